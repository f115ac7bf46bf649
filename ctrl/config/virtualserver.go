package config

import (
	"net/netip"
	"strings"
)

// serverDraft is a virtual server while its block is read.
type serverDraft struct {
	VirtualServer

	// realServers are read when the whole block is known, which holds their
	// defaults.
	realServers []*statement
	defaults    realDefaults

	// places tell where each real server is written.
	places map[netip.Addr]Position

	algorithm, kind, protocol, granularity word

	// flags are the flags of the scheduler, and opsAt is where ops stands;
	// slowStartAt is where slow_start does.
	flags       []word
	opsAt       Position
	slowStartAt Position

	quorumAt, hysteresisAt      Position
	sorry                       []word
	sorryInhibitAt, sorryKindAt word

	// port is the port of all endpoints; 0 if they differ, and for all ports.
	port    uint16
	leftOut bool
}

// realDefaults are the settings that a virtual server hands down to its real
// servers.
type realDefaults struct {
	checkDefaults
	weight           int
	inhibitOnFailure bool
}

var virtualServerGrammar = grammar[serverDraft]{
	block: "virtual_server",
	served: with(checkKeywords(checksOfServer), schedulerKeywords(), persistenceKeywords(), slowStartKeywords(), quorumKeywords(), map[string]keyword[serverDraft]{
		"lb_kind":            {min: 1, max: maxInt, read: readKind},
		"lvs_method":         {min: 1, max: maxInt, read: readKind},
		"protocol":           {min: 1, max: 1, read: readProtocol},
		"weight":             {min: 1, max: 1, read: readWeight(1, func(v *serverDraft) *int { return &v.defaults.weight })},
		"inhibit_on_failure": boolean(func(v *serverDraft) *bool { return &v.defaults.inhibitOnFailure }),
		"omega":              flag(func(v *serverDraft) { v.Omega = true }),
		"ha_suspend":         flag(func(v *serverDraft) { v.HASuspend = true }),
		"real_server": {min: 1, max: 2, needs: "an address", block: true,
			read: collect(func(v *serverDraft) *[]*statement { return &v.realServers })},
	}),
	unserved: join(
		unserved("clients are told apart by their addresses only", "persistence_engine"),
		unserved("no mail is sent", "smtp_alert"),
		unserved("no scheduler knows it", "flag-3 hashed"),
		unserved("there is no SNMP; use drover status", "snmp_name"),
		unserved("virtual servers with a fwmark are left out", "ip_family"),
	),
}

func checksOfServer(v *serverDraft) *checkDefaults { return &v.defaults.checkDefaults }

// forwardingMethods are the ways to real servers that keepalived accepts.
var forwardingMethods = []string{"DR", "NAT", "TUN"}

func readKind(p *parser, s *statement, into *serverDraft) {
	into.kind = s.args()[0]
	if !p.oneOf(s.keyword(), into.kind, forwardingMethods) {
		into.leftOut = true
	}
}

// readProtocol reads the protocol, whose case does not matter.
func readProtocol(p *parser, s *statement, into *serverDraft) {
	into.protocol = s.args()[0]
	switch strings.ToUpper(into.protocol.text) {
	case "TCP":
		into.Protocol = TCP
	case "UDP":
		into.Protocol = UDP
	case "SCTP":
		into.leftOut = true
		p.errorf(into.protocol.Position, "protocol SCTP is refused: Drover balances TCP and UDP only")
	default:
		p.errorf(into.protocol.Position, "protocol %q is not one of TCP, UDP, SCTP", into.protocol.text)
	}
}

// virtualServer reads a virtual_server block.
func (p *parser) virtualServer(s *statement) {
	v := &serverDraft{
		VirtualServer: VirtualServer{Position: s.keyword().Position, Protocol: UDP, Quorum: 1},
		defaults:      realDefaults{checkDefaults: defaultChecks(p.config.Drover.CheckPath), weight: 1},
		places:        map[netip.Addr]Position{},
	}
	before := p.errors
	p.serverAddress(s.args(), v)
	virtualServerGrammar.read(p, s.block.statements, v)
	v.DelayLoop, v.Alpha = v.defaults.delayLoop, v.defaults.alpha
	p.checkDirectReturn(v)
	for _, s := range v.realServers {
		p.realServer(s, v)
	}
	if p.errors > before || v.leftOut {
		return
	}
	if p.completeServer(v); v.leftOut {
		return
	}
	p.checkServerUnique(v)
	p.config.VirtualServers = append(p.config.VirtualServers, v.VirtualServer)
}

// directReturnOnly is why other ways to real servers are refused, and the remedy.
const directReturnOnly = "Drover forwards by direct return only, where real servers answer clients themselves; " +
	"give them the VIP and write DR"

// checkDirectReturn finds what rules direct return out, before it is asked of
// the real servers.
func (p *parser) checkDirectReturn(v *serverDraft) {
	if v.leftOut {
		return
	}
	switch v.kind.text {
	case "DR":
		p.checkFamily(v)
	case "":
		v.leftOut = true
		p.errorf(v.Position, "lb_kind is not written and means NAT, which is refused: %s", directReturnOnly)
	default:
		v.leftOut = true
		p.errorf(v.kind.Position, "lb_kind %s is refused: %s", v.kind.text, directReturnOnly)
	}
}

// completeServer turns what was written into what will be used.
func (p *parser) completeServer(v *serverDraft) {
	if len(v.RealServers) == 0 {
		v.leftOut = true
		p.warnf(v.Position, "%s has no real_server: the virtual server is left out", v.name())
		return
	}
	if v.protocol.text == "" {
		p.warnf(v.Position, "protocol is not written: UDP is used, as keepalived does; write protocol TCP or protocol UDP")
	}
	p.completeScheduler(v)
	p.completePersistence(v)
	p.completeSlowStart(v)
	p.completeQuorum(v)
	p.completeSorryServer(v)
}
