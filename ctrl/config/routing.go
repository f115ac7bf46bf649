package config

import "net/netip"

// Route is a route that comes and goes with a master (virtual_routes), or is
// always there (static_routes). Unwritten words are zero.
type Route struct {
	Position

	// Destination is the network that it leads to, with its host bits zero;
	// 0.0.0.0/0 or ::/0 for default. Its family is the family of the route.
	Destination netip.Prefix

	// Type is unicast, blackhole, unreachable, prohibit or throw. Only
	// unicast has Via and Interface.
	Type string

	// Via is the gateway (via, gw); the zero Addr for a network on the link.
	Via netip.Addr

	// OnLink: the gateway is on the link although no prefix says so (onlink).
	OnLink bool

	// Interface is where packets leave (dev). Empty if Via decides.
	Interface string

	// Source is the source address that the host prefers (src).
	Source netip.Addr

	// Metric is the metric (metric, priority, preference).
	Metric uint32

	// Table is the routing table. Default 254, which is main.
	Table uint32

	// Scope is the scope's number: 0 global, 200 site, 253 link, 254 host, 255
	// nowhere. Default: link for IPv4 without gateway, else global.
	Scope uint8

	// Protocol is the number of who made the route (proto, protocol).
	// Default 18, which is keepalived.
	Protocol uint8

	// MTU is the MTU of the path in bytes (mtu); MTULock keeps path MTU
	// discovery from changing it (mtu lock).
	MTU     uint32
	MTULock bool
}

// Rule is a rule of policy routing that comes and goes with a master
// (virtual_rules), or is always there (static_rules). Unwritten words are zero.
type Rule struct {
	Position

	// IPv6 is the family of the rule.
	IPv6 bool

	// From and To are what it is for; the zero Prefix for all.
	From, To netip.Prefix

	// FWMark and FWMask select packets with this mark (fwmark MARK[/MASK]);
	// a FWMask of 0 selects all packets.
	FWMark, FWMask uint32

	// IIf and OIf are the interfaces that packets come from and go to.
	IIf, OIf string

	// Action is what happens: table, blackhole, unreachable or prohibit.
	Action string

	// Table is the routing table of Action table (table, lookup).
	Table uint32

	// Priority is its place among the rules, lowest first (priority,
	// preference, order).
	Priority uint32
}
