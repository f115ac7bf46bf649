package config

import (
	"fmt"
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

	algorithm, kind, protocol word
	leftOut                   bool
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
	served: with(checkKeywords(checksOfServer), map[string]keyword[serverDraft]{
		"lb_algo":            {min: 1, max: 1, read: readAlgorithm},
		"lvs_sched":          {min: 1, max: 1, read: readAlgorithm},
		"lb_kind":            {min: 1, max: maxInt, read: readKind},
		"lvs_method":         {min: 1, max: maxInt, read: readKind},
		"protocol":           {min: 1, max: 1, read: readProtocol},
		"weight":             {min: 1, max: 1, read: readWeight(func(v *serverDraft) *int { return &v.defaults.weight })},
		"inhibit_on_failure": boolean(func(v *serverDraft) *bool { return &v.defaults.inhibitOnFailure }),
		"real_server": {min: 1, max: 2, needs: "an address", block: true,
			read: collect(func(v *serverDraft) *[]*statement { return &v.realServers })},
	}),
	unserved: join(
		unserved("connections of one client may go to different real servers",
			"persistence_timeout persistence_granularity persistence_engine"),
		unserved("without a real server that is up, connections are dropped",
			"sorry_server sorry_server_inhibit sorry_server_lvs_method"),
		unserved("the virtual server serves as long as any real server is up", "quorum hysteresis"),
		unserved("no script is run", "quorum_up quorum_down omega"),
		unserved("no mail is sent", "smtp_alert"),
		unserved("checks run in every state", "ha_suspend"),
		unserved("packets of one flow go to one real server until the flow expires", "ops"),
		unserved("it belongs to schedulers that are not served yet",
			"flag-1 flag-2 flag-3 hashed sh-port sh-fallback mh-port mh-fallback"),
		unserved("there is no SNMP; use drover status", "snmp_name"),
		unserved("virtual servers with a fwmark are left out", "ip_family"),
	),
}

func checksOfServer(v *serverDraft) *checkDefaults { return &v.defaults.checkDefaults }

// schedulers are the algorithms that keepalived accepts.
var schedulers = []string{"rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"}

// forwardingMethods are the ways to real servers that keepalived accepts.
var forwardingMethods = []string{"DR", "NAT", "TUN"}

func readAlgorithm(p *parser, s *statement, into *serverDraft) {
	into.algorithm = s.args()[0]
	p.oneOf(s.keyword(), into.algorithm, schedulers)
}

func readKind(p *parser, s *statement, into *serverDraft) {
	into.kind = s.args()[0]
	p.oneOf(s.keyword(), into.kind, forwardingMethods)
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
		p.warnf(into.protocol.Position, "protocol SCTP is not served yet: the virtual server is left out")
	default:
		p.errorf(into.protocol.Position, "protocol %q is not one of TCP, UDP, SCTP", into.protocol.text)
	}
}

// virtualServer reads a virtual_server block.
func (p *parser) virtualServer(s *statement) {
	v := &serverDraft{
		VirtualServer: VirtualServer{Position: s.keyword().Position, Protocol: UDP},
		defaults:      realDefaults{checkDefaults: defaultChecks(), weight: 1},
	}
	before := p.errors
	p.serverAddress(s.args(), v)
	virtualServerGrammar.read(p, s.block.statements, v)
	v.DelayLoop = v.defaults.delayLoop
	for _, s := range v.realServers {
		p.realServer(s, v)
	}
	if p.errors > before || v.leftOut {
		return
	}
	if p.completeServer(v); v.leftOut {
		return
	}
	p.checkServerUnique(v.VirtualServer)
	p.config.VirtualServers = append(p.config.VirtualServers, v.VirtualServer)
}

// serverAddress reads ADDRESS PORT. The other forms, a firewall mark and a
// group, are not served.
func (p *parser) serverAddress(args []word, v *serverDraft) {
	switch first := args[0]; first.text {
	case "fwmark":
		v.leaveOut(p, first.Position, "fwmark is not served yet")
		return
	case "group":
		v.leaveOut(p, first.Position, "virtual server groups are not served yet")
		return
	}
	a, err := netip.ParseAddr(args[0].text)
	switch {
	case err != nil:
		p.errorf(args[0].Position, "%q is not an IP address", args[0].text)
		v.leftOut = true
		return
	case !a.Is4():
		v.leaveOut(p, args[0].Position, "IPv6 is not served yet")
		return
	case len(args) < 2:
		v.leaveOut(p, args[0].Position, "virtual servers without a port are not served yet")
		return
	}
	v.Address = a
	if port, ok := p.integer("port", args[1], 1, 65535); ok {
		v.Port = uint16(port)
	}
}

// leaveOut takes the virtual server out of the configuration and says why.
func (v *serverDraft) leaveOut(p *parser, at Position, why string) {
	v.leftOut = true
	p.warnf(at, "%s: the virtual server is left out", why)
}

// lackOfRealServers says why no real server is there.
func (v *serverDraft) lackOfRealServers() string {
	if len(v.realServers) == 0 {
		return fmt.Sprintf("virtual server %s %d has no real_server", v.Address, v.Port)
	}
	return fmt.Sprintf("virtual server %s %d has no real_server that can be served", v.Address, v.Port)
}

// directReturnOnly is why a virtual server is left out, and the remedy.
const directReturnOnly = "Drover forwards by direct return only; write lb_kind DR"

// completeServer turns what was written into what will be used.
func (p *parser) completeServer(v *serverDraft) {
	switch v.kind.text {
	case "DR":
	case "":
		v.leaveOut(p, v.Position, "lb_kind is not written and means NAT ("+directReturnOnly+")")
	default:
		v.leaveOut(p, v.kind.Position, "lb_kind "+v.kind.text+" is not served ("+directReturnOnly+")")
	}
	if v.leftOut {
		return
	}
	if len(v.RealServers) == 0 {
		v.leaveOut(p, v.Position, v.lackOfRealServers())
		return
	}
	if v.protocol.text == "" {
		p.warnf(v.Position, "protocol is not written: UDP is used, as keepalived does; write protocol TCP or protocol UDP")
	}
	switch v.Scheduler = v.algorithm.text; v.Scheduler {
	case "rr", "wrr":
	case "":
		v.Scheduler = "wrr"
		p.warnf(v.Position, "lb_algo is not written, which means wlc, and wlc is not served yet: wrr is used")
	default:
		v.Scheduler = "wrr"
		p.warnf(v.algorithm.Position, "lb_algo %s is not served yet: wrr is used", v.algorithm.text)
	}
}

// checkServerUnique finds a second definition of a virtual server.
func (p *parser) checkServerUnique(v VirtualServer) {
	for _, other := range p.config.VirtualServers {
		if other.Address == v.Address && other.Port == v.Port && other.Protocol == v.Protocol {
			p.errorf(v.Position, "virtual server %s %d %s is already defined at %s", v.Address, v.Port, v.Protocol, other.Position)
		}
	}
}
