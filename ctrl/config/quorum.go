package config

import "net/netip"

// quorumKeywords are about what a virtual server does without enough real
// servers.
func quorumKeywords() map[string]keyword[serverDraft] {
	return map[string]keyword[serverDraft]{
		"quorum": at(func(v *serverDraft) *Position { return &v.quorumAt },
			integer(0, maxInt, func(v *serverDraft) *int { return &v.Quorum })),
		"hysteresis": at(func(v *serverDraft) *Position { return &v.hysteresisAt },
			integer(0, maxInt, func(v *serverDraft) *int { return &v.Hysteresis })),
		"quorum_up":   script(func(v *serverDraft) **NotifyScript { return &v.QuorumUp }),
		"quorum_down": script(func(v *serverDraft) **NotifyScript { return &v.QuorumDown }),
		"sorry_server": {min: 1, max: 2, needs: "an address", read: func(_ *parser, s *statement, into *serverDraft) {
			into.sorry = s.args()
		}},
		"sorry_server_inhibit": {read: func(_ *parser, s *statement, into *serverDraft) {
			into.sorryInhibitAt = s.keyword()
		}},
		"sorry_server_lvs_method": {min: 1, max: maxInt, read: func(p *parser, s *statement, into *serverDraft) {
			into.sorryKindAt = s.keyword()
			p.forwardingMethod(s)
		}},
	}
}

// completeQuorum makes the quorum one that can be had, as keepalived does.
func (p *parser) completeQuorum(v *serverDraft) {
	if v.Quorum == 0 {
		v.Quorum = 1
		p.warnf(v.quorumAt, "quorum 0 would always be there: 1 is used")
	}
	total := 0
	for _, r := range v.RealServers {
		total += r.Weight
	}
	if v.Quorum > total && v.quorumAt.written() {
		p.warnf(v.quorumAt, "quorum %d is above %d, the weight of all real servers together: %d is used", v.Quorum, total, max(1, total))
		v.Quorum = max(1, total)
	}
	if v.Hysteresis >= v.Quorum {
		p.warnf(v.hysteresisAt, "hysteresis %d is not below quorum %d, which could never be lost: %d is used",
			v.Hysteresis, v.Quorum, v.Quorum-1)
		v.Hysteresis = v.Quorum - 1
	}
}

// completeSorryServer reads sorry_server ADDRESS [PORT].
func (p *parser) completeSorryServer(v *serverDraft) {
	if len(v.sorry) == 0 {
		for _, w := range []word{v.sorryInhibitAt, v.sorryKindAt} {
			if w.text != "" {
				p.warnf(w.Position, "%s has no effect without sorry_server", w.text)
			}
		}
		return
	}
	address, validAddress := p.ip(v.sorry[0])
	port, validPort := p.port(v.sorry)
	if !validAddress || !validPort {
		return
	}
	if v.Endpoints()[0].Addr().BitLen() != address.BitLen() {
		p.errorf(v.sorry[0].Position, "%s has another address family than %s: direct return does not translate addresses", address, v.name())
	}
	if port != 0 && port != v.port {
		p.warnf(v.sorry[1].Position, "direct return cannot change ports: connections keep theirs")
	}
	v.SorryServer = netip.AddrPortFrom(address, v.port)
	v.SorryServerInhibit = v.sorryInhibitAt.text != ""
}
