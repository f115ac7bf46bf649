package config

import "time"

// readLVSTimeouts reads [tcp SECONDS] [tcpfin SECONDS] [udp SECONDS].
func readLVSTimeouts(p *parser, s *statement, into *globals) {
	for args := s.args(); len(args) > 0; args = args[2:] {
		state := args[0]
		timeout := into.lvsTimeouts.of(state.text)
		switch {
		case timeout == nil:
			p.errorf(state.Position, "unknown word %q behind lvs_timeouts; known are tcp, tcpfin and udp", state.text)
			return
		case len(args) < 2:
			p.errorf(state.Position, "%s needs a value", state.text)
			return
		}
		if n, ok := p.integer(state.text, args[1], 0, maxTimeout); ok {
			*timeout = time.Duration(n) * time.Second
		}
	}
}

// of returns the timeout with keepalived's name, or nil if there is none.
func (t *LVSTimeouts) of(name string) *time.Duration {
	switch name {
	case "tcp":
		return &t.TCP
	case "tcpfin":
		return &t.TCPFin
	case "udp":
		return &t.UDP
	}
	return nil
}
