package config

import "net/netip"

// checkDraft is what all kinds of check have in common while a block is read.
type checkDraft struct {
	Position
	settings checkDefaults

	// server is what messages call the virtual server.
	server string

	logAllFailures bool
	socket         socketDraft
}

// socketDraft is a CheckSocket while a block is read.
type socketDraft struct {
	address, from  netip.Addr
	port, fromPort uint16
	iface          string
	mark           uint32

	// addressAt and ownWay tell where settings are written that have no effect
	// on the way through the VIP.
	addressAt, ownWay Position

	// ifaceAt is where iface is written.
	ifaceAt Position
}

// checkReaders read the blocks of checks.
var checkReaders = map[string]func(*parser, *statement, *realDraft) Check{
	"HTTP_GET":   (*parser).webCheck,
	"SSL_GET":    (*parser).webCheck,
	"TCP_CHECK":  (*parser).tcpCheck,
	"PING_CHECK": (*parser).pingCheck,
	"UDP_CHECK":  (*parser).udpCheck,
	"DNS_CHECK":  (*parser).dnsCheck,
	"SMTP_CHECK": (*parser).smtpCheck,
	"MISC_CHECK": (*parser).miscCheck,
	"FILE_CHECK": (*parser).fileCheck,
}

// newCheck returns the draft of a check with the defaults of its real server.
func newCheck(s *statement, r *realDraft) checkDraft {
	return checkDraft{
		Position: s.keyword().Position,
		settings: r.defaults.checkDefaults,
		server:   r.server,
		socket:   socketDraft{address: r.Address, port: r.Port},
	}
}

// complete turns what was written into what will be used. Checks that connect
// to a port need one.
func (p *parser) complete(c *checkDraft, kind kindDefaults, question Question) Check {
	check := Check{
		Position:   c.Position,
		CheckTimes: c.settings.times(kind),
		Question:   question,
	}
	check.LogAllFailures = c.logAllFailures || p.globals.logAllFailures
	return check
}

// connected is complete for checks that have a socket.
func (p *parser) connected(c *checkDraft, kind kindDefaults, question Question) Check {
	check := p.complete(c, kind, question)
	p.ownWay(c.socket, c.settings.path)
	p.checkTimeout(c.settings.timeoutAt, "connect_timeout", check.ConnectTimeout, "delay_loop", check.DelayLoop)
	check.CheckSocket = p.checkSocket(c.Position, c.socket, c.settings.path, kind)
	_, ping := question.(*PingCheck)
	if check.To.Port() == 0 && check.To.IsValid() && !ping {
		p.errorf(c.Position, "%s needs connect_port, because neither %s nor its real server names one port",
			question.Keyword(), c.server)
	}
	return check
}

// checkSocket resolves where a check goes to.
func (p *parser) checkSocket(at Position, s socketDraft, path CheckPath, kind kindDefaults) CheckSocket {
	if s.port == 0 {
		s.port = kind.port
	}
	socket := CheckSocket{To: netip.AddrPortFrom(s.address, s.port), Path: path}
	if path == PathVIP {
		return socket
	}
	if s.from.IsValid() && s.address.IsValid() && s.from.BitLen() != s.address.BitLen() {
		p.errorf(s.ownWay, "bindto %s has another address family than %s", s.from, s.address)
	}
	if s.from.IsValid() || s.fromPort != 0 {
		socket.From = netip.AddrPortFrom(s.from, s.fromPort)
	}
	socket.Interface, socket.Mark = s.iface, s.mark
	if s.iface != "" {
		p.config.interfaces = append(p.config.interfaces, interfaceUse{s.ifaceAt, s.iface})
	}
	if s.address.IsLinkLocalUnicast() && s.address.Is6() && s.iface == "" {
		p.errorf(at, "%s is link-local: the check needs bind_if with the interface that leads to it", s.address)
	}
	return socket
}

// ownWay finds settings that have no effect on the way through the VIP.
func (p *parser) ownWay(s socketDraft, path CheckPath) {
	if path != PathVIP {
		return
	}
	if s.ownWay.written() {
		p.warnf(s.ownWay, "bindto, bind_port, bind_if and fwmark have no effect with check_path vip: such a check leaves as the packets of clients do")
	}
	if s.addressAt.written() {
		p.warnf(s.addressAt, "connect_ip has no effect with check_path vip: such a check goes to the address of the virtual server")
	}
}

// commonKeywords are those of checks that connect.
func commonKeywords[T any](draft func(*T) *checkDraft) map[string]keyword[T] {
	return with(
		timedKeywords(draft),
		socketKeywords(func(t *T) *socketDraft { return &draft(t).socket }),
		map[string]keyword[T]{
			"connect_timeout": connectTimeout(func(t *T) *checkDefaults { return &draft(t).settings }),
			"check_path":      choice(func(t *T) *CheckPath { return &draft(t).settings.path }, checkPaths),
		})
}

// timedKeywords are those of checks that are made again and again.
func timedKeywords[T any](draft func(*T) *checkDraft) map[string]keyword[T] {
	return with(
		timeKeywords(func(t *T) *checkDefaults { return &draft(t).settings }),
		map[string]keyword[T]{
			"log_all_failures": boolean(func(t *T) *bool { return &draft(t).logAllFailures }),
		})
}

// socketKeywords say where a check connects to and from.
func socketKeywords[T any](socket func(*T) *socketDraft) map[string]keyword[T] {
	ownWay := func(t *T) *Position { return &socket(t).ownWay }
	return map[string]keyword[T]{
		"connect_ip": at(func(t *T) *Position { return &socket(t).addressAt },
			anyAddress(func(t *T) *netip.Addr { return &socket(t).address })),
		"connect_port": integer(1, 65535, func(t *T) *uint16 { return &socket(t).port }),
		"bindto":       at(ownWay, anyAddress(func(t *T) *netip.Addr { return &socket(t).from })),
		"bind_port":    at(ownWay, integer(1, 65535, func(t *T) *uint16 { return &socket(t).fromPort })),
		"bind_if": at(ownWay, at(func(t *T) *Position { return &socket(t).ifaceAt },
			text(func(t *T) *string { return &socket(t).iface }))),
		"fwmark": at(ownWay, integer(0, maxMark, func(t *T) *uint32 { return &socket(t).mark })),
	}
}

// maxMark is the largest firewall mark.
const maxMark = 1<<32 - 1
