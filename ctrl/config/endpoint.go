package config

import (
	"fmt"
	"net/netip"
)

// endpoint is what only one virtual server may have.
type endpoint struct {
	netip.AddrPort
	Protocol
}

// noMarks is why a firewall mark cannot be served.
const noMarks = "fwmark is refused, because XDP sees packets before they get marks"

// serverAddress reads ADDRESS [PORT] or group NAME. The third form, a firewall
// mark, cannot be served.
func (p *parser) serverAddress(args []word, v *serverDraft) {
	switch first := args[0]; first.text {
	case "fwmark":
		v.leftOut = true
		p.errorf(first.Position, "%s; write the addresses and ports that get the mark into a virtual_server_group", noMarks)
		return
	case "group":
		v.leftOut = !p.groupAddress(args, v)
	default:
		v.leftOut = !p.plainAddress(args, v)
	}
	if v.leftOut {
		return
	}
	v.port = v.Endpoints()[0].Port()
	for _, e := range v.Endpoints() {
		if e.Port() != v.port {
			v.port = 0
		}
	}
}

// plainAddress reads ADDRESS [PORT].
func (p *parser) plainAddress(args []word, v *serverDraft) bool {
	var validAddress, validPort bool
	v.Address, validAddress = p.ip(args[0])
	v.Port, validPort = p.port(args)
	return validAddress && validPort
}

// groupAddress reads group NAME.
func (p *parser) groupAddress(args []word, v *serverDraft) bool {
	if len(args) < 2 {
		p.errorf(args[0].Position, "group needs the name of a virtual_server_group")
		return false
	}
	name := args[1]
	g, ok := p.groups[name.text]
	if !ok {
		p.absentf(name.Position, "there is no virtual_server_group %s", name.text)
		return false
	}
	v.Group, v.Members = g.name, g.members
	return len(g.members) > 0
}

// port reads the port behind the address that words begin with. Without one, it
// is 0.
func (p *parser) port(words []word) (uint16, bool) {
	if len(words) < 2 {
		return 0, true
	}
	port, ok := p.integer("port", words[1], 0, 65535)
	return uint16(port), ok
}

// checkFamily finds a group of both address families: direct return cannot
// translate, so no real server could serve both.
func (p *parser) checkFamily(v *serverDraft) {
	endpoints := v.Endpoints()
	for _, e := range endpoints[1:] {
		if e.Addr().BitLen() != endpoints[0].Addr().BitLen() {
			v.leftOut = true
			p.errorf(v.Position, "%s has %s and %s: direct return needs a group for each address family",
				v.name(), endpoints[0].Addr(), e.Addr())
			return
		}
	}
}

// hasAllPorts reports whether an endpoint has port 0.
func (v *serverDraft) hasAllPorts() bool {
	for _, e := range v.Endpoints() {
		if e.Port() == 0 {
			return true
		}
	}
	return false
}

// name returns what a message calls the virtual server.
func (v *serverDraft) name() string {
	if v.Group != "" {
		return "virtual server group " + v.Group
	}
	return fmt.Sprintf("virtual server %s %d", v.Address, v.Port)
}

// checkServerUnique finds a second definition of an endpoint.
func (p *parser) checkServerUnique(v *serverDraft) {
	for _, address := range v.Endpoints() {
		e := endpoint{address, v.Protocol}
		if other, ok := p.endpoints[e]; ok {
			p.errorf(v.Position, "virtual server %s %s is already defined at %s", spaced(address), v.Protocol, other)
			return
		}
		p.endpoints[e] = v.Position
	}
}

// spaced writes an endpoint as keepalived.conf does: ADDRESS PORT.
func spaced(e netip.AddrPort) string {
	return fmt.Sprintf("%s %d", e.Addr(), e.Port())
}
