package config

import "net/netip"

const (
	// maxMembers bounds the endpoints of one virtual server group.
	maxMembers = 4096

	// maxAllMembers bounds the endpoints of all groups together.
	maxAllMembers = 16 * maxMembers
)

// serverGroup is a virtual_server_group.
type serverGroup struct {
	Position
	name    string
	members []netip.AddrPort

	// places tell where each member is written. full is set, and reported
	// once, when a member is too many.
	places map[netip.AddrPort]Position
	full   bool
}

// serverGroup reads a virtual_server_group block.
func (p *parser) serverGroup(s *statement) {
	name, before := s.args()[0].text, p.errors
	if other, ok := p.groups[name]; ok {
		p.errorf(s.keyword().Position, "virtual_server_group %s is already defined at %s", name, other.Position)
		return
	}
	g := &serverGroup{
		Position: s.keyword().Position,
		name:     name,
		places:   map[netip.AddrPort]Position{},
	}
	p.groups[name] = g
	for _, line := range s.block.statements {
		p.groupLine(line, g)
	}
	g.places = nil
	if len(g.members) == 0 && p.errors == before {
		p.errorf(g.Position, "virtual_server_group %s is empty: write an address and a port on a line of its own", name)
	}
}

// groupLine reads ADDRESSES [PORT]. The other form, a firewall mark, cannot be
// served.
func (p *parser) groupLine(line *statement, g *serverGroup) {
	if p.refuseBlock(line) {
		return
	}
	first := line.keyword()
	if first.text == "fwmark" {
		p.errorf(first.Position, "%s: write the addresses and ports that get the mark", noMarks)
		return
	}
	r, ok := p.addressRange(first)
	if !ok {
		return
	}
	port, ok := p.port(line.words)
	if !ok {
		return
	}
	if len(line.words) > 2 {
		p.warnf(line.words[2].Position, "%q is passed over: it stands behind an address and a port", line.words[2].text)
	}
	p.addMembers(g, r, port, first.Position)
}

// addMembers puts the addresses of a line into the group. The bound on members
// bounds the loop, too: an address that is already there counts as well.
func (p *parser) addMembers(g *serverGroup, r addressRange, port uint16, at Position) {
	known := false
	for a := r.first; !g.full; a = a.Next() {
		member := netip.AddrPortFrom(a, port)
		switch place, ok := g.places[member]; {
		case ok && !known:
			known = true
			p.warnf(at, "%s is passed over: it is in the group already, at %s", spaced(member), place)
		case ok:
		case len(g.members) == maxMembers:
			g.full = true
			p.errorf(at, "virtual_server_group %s has more than %d addresses and ports", g.name, maxMembers)
		case p.members == maxAllMembers:
			g.full = true
			p.errorf(at, "all groups up to this one have more than %d addresses and ports", maxAllMembers)
		default:
			p.members++
			g.members = append(g.members, member)
			g.places[member] = at
		}
		if a == r.last {
			return
		}
	}
}
