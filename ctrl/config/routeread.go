package config

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// routeDraft is a route while its line is read.
type routeDraft struct {
	Route
	interfaceAt        Position
	destination, scope word

	// via and source are where the addresses are written.
	via, source word
	ipv6        bool
}

// unservedRouteWords are the words of ip-route(8) in keepalived without which a
// route would be another one.
var unservedRouteWords = strings.Fields(`advmss allow-ecn append as congctl cwnd dsfield encap expires
	fastopen_no_cookie features hoplimit initcwnd initrwnd nexthop or pref quickack realms reordering rto_min
	rtt rttvar ssthresh tos track_group ttl-propagate weight window
	anycast broadcast local multicast nat xresolve`)

// routeTypes are the kinds of route that are served, see ip-route(8).
var routeTypes = []string{"unicast", "blackhole", "unreachable", "prohibit", "throw"}

// routeWords say how the words with a value are read.
var routeWords = map[string]func(*parser, word, *routeDraft){
	"to":         func(_ *parser, w word, r *routeDraft) { r.destination = w },
	"via":        func(_ *parser, w word, r *routeDraft) { r.via = w },
	"gw":         func(_ *parser, w word, r *routeDraft) { r.via = w },
	"src":        func(_ *parser, w word, r *routeDraft) { r.source = w },
	"dev":        func(_ *parser, w word, r *routeDraft) { r.Interface, r.interfaceAt = w.text, w.Position },
	"scope":      func(_ *parser, w word, r *routeDraft) { r.scope = w },
	"table":      func(p *parser, w word, r *routeDraft) { r.Table = p.table(w) },
	"metric":     func(p *parser, w word, r *routeDraft) { r.Metric = p.uint32("metric", w) },
	"priority":   func(p *parser, w word, r *routeDraft) { r.Metric = p.uint32("priority", w) },
	"preference": func(p *parser, w word, r *routeDraft) { r.Metric = p.uint32("preference", w) },
	"protocol": func(p *parser, w word, r *routeDraft) {
		r.Protocol = p.numbered("protocol", w, routeProtocols)
	},
	"mtu": func(p *parser, w word, r *routeDraft) { r.MTU = p.uint32("mtu", w) },
}

// routes reads the lines of a block of routes.
func (p *parser) routes(s *statement, into *[]Route, uses *[]interfaceUse) {
	for _, line := range s.block.statements {
		if p.refuseBlock(line) {
			continue
		}
		r, before := &routeDraft{Route: Route{
			Position: line.keyword().Position,
			Type:     "unicast",
			Table:    mainTable,
			Protocol: keepalivedProtocol,
		}}, p.errors
		if !routeLine.read(p, line.words, r) || p.errors > before {
			continue
		}
		if p.completeRoute(r); p.errors > before {
			continue
		}
		*into = append(*into, r.Route)
		if r.Interface != "" {
			*uses = append(*uses, interfaceUse{r.interfaceAt, r.Interface})
		}
	}
}

// routeLine is the grammar of a route.
var routeLine = wordLine[routeDraft]{
	what: "route", values: routeWords, unserved: unservedRouteWords, flag: (*parser).routeFlag, adjust: takeMTULock,
}

// takeMTULock reads the word between mtu and its value.
func takeMTULock(words []word, r *routeDraft) []word {
	if len(words) < 2 || words[0].text != "mtu" || words[1].text != "lock" {
		return words
	}
	r.MTULock = true
	return slices.Concat(words[:1], words[2:])
}

// routeFlag reads a word without a value, or the destination.
func (p *parser) routeFlag(w word, r *routeDraft) bool {
	switch {
	case w.text == "onlink":
		r.OnLink = true
	case w.text == "inet6":
		r.ipv6 = true
	case w.text == "inet" || w.text == "no_track":
		// IPv4 is the default, and no route is tracked.
	case slices.Contains(routeTypes, w.text):
		r.Type = w.text
	case r.destination.text == "" && (strings.HasPrefix(w.text, "default") || w.text == "any" || w.text == "all" || strings.ContainsAny(w.text, ".:")):
		r.destination = w
	default:
		words := slices.Sorted(maps.Keys(routeWords))
		p.errorf(w.Position, "unknown word %q in a route%s", w.text, didYouMean(w.text, words))
		return false
	}
	return true
}

// completeRoute turns what was written into what will be used.
func (p *parser) completeRoute(r *routeDraft) {
	if r.destination.text == "" {
		p.errorf(r.Position, "the route has no destination: write a network, or default")
		return
	}
	for _, a := range []struct {
		from word
		to   *netip.Addr
	}{{r.via, &r.Via}, {r.source, &r.Source}} {
		var ok bool
		if a.from.text == "" {
			continue
		}
		if *a.to, ok = p.ip(a.from); !ok {
			return
		}
	}
	r.ipv6 = r.ipv6 || r.destination.text == "default6" || r.Via.Is6() || r.Source.Is6()
	p.routeDestination(r)
	p.routeFamily(r)
	hop := r.Via.IsValid() || r.Interface != ""
	switch {
	case r.Type == "unicast" && !hop:
		p.errorf(r.Position, "the route to %s leads nowhere: write via or dev", r.destination.text)
	case r.Type != "unicast" && hop:
		p.warnf(r.Position, "via and dev have no effect on a route of type %s", r.Type)
		r.Via, r.Interface, r.OnLink = netip.Addr{}, "", false
	}
	p.routeScope(r)
}

// routeFamily finds addresses of another family than the destination.
func (p *parser) routeFamily(r *routeDraft) {
	for _, a := range []struct {
		at Position
		netip.Addr
	}{{r.via.Position, r.Via}, {r.source.Position, r.Source}} {
		if a.IsValid() && r.Destination.IsValid() && a.Is6() != r.Destination.Addr().Is6() {
			p.errorf(a.at, "%s has another address family than %s", a.Addr, r.Destination)
		}
	}
}

// routeDestination reads the network of a route.
func (p *parser) routeDestination(r *routeDraft) {
	switch r.destination.text {
	case "default", "default6", "any", "all":
		r.Destination = netip.PrefixFrom(netip.IPv4Unspecified(), 0)
		if r.ipv6 {
			r.Destination = netip.PrefixFrom(netip.IPv6Unspecified(), 0)
		}
		return
	}
	prefix, ok := p.prefix(r.destination)
	if !ok {
		return
	}
	r.Destination = prefix.Masked()
	if r.Destination != prefix {
		p.warnf(r.destination.Position, "%s is an address in a network: the route leads to the network, %s", prefix, r.Destination)
	}
}

// routeScope reads the scope, or finds the one that ip-route(8) takes: link for
// IPv4 networks on the link.
func (p *parser) routeScope(r *routeDraft) {
	switch {
	case r.scope.text != "":
		r.Scope = p.numbered("scope", r.scope, routeScopes)
	case r.Type == "unicast" && !r.Via.IsValid() && r.Destination.IsValid() && r.Destination.Addr().Is4():
		r.Scope = routeScopes["link"]
	}
}

// routeScopes are the numbers of scopes, from linux/rtnetlink.h.
var routeScopes = map[string]uint8{"global": 0, "universe": 0, "site": 200, "link": 253, "host": 254, "nowhere": 255}

// The tables with a name, from linux/rtnetlink.h.
const mainTable = 254

var routeTables = map[string]uint32{"default": 253, "main": mainTable, "local": 255}

// keepalivedProtocol marks routes of keepalived's, from linux/rtnetlink.h.
const keepalivedProtocol = 18

// routeProtocols are the numbers of who makes routes, from linux/rtnetlink.h.
var routeProtocols = map[string]uint8{
	"redirect": 1, "kernel": 2, "boot": 3, "static": 4, "gated": 8, "ra": 9, "mrt": 10, "zebra": 11, "bird": 12,
	"dnrouted": 13, "xorp": 14, "ntk": 15, "dhcp": 16, "keepalived": keepalivedProtocol, "babel": 42, "openr": 99,
	"bgp": 186, "isis": 187, "ospf": 188, "rip": 189, "eigrp": 192,
}

// numbered reads a number up to 255 or one of the names of numbers.
func (p *parser) numbered(what string, w word, names map[string]uint8) uint8 {
	if n, ok := names[w.text]; ok {
		return n
	}
	if n, err := strconv.ParseUint(w.text, 0, 8); err == nil {
		return uint8(n)
	}
	p.errorf(w.Position, "%s %q is neither a number up to 255 nor one of %s", what, w.text,
		strings.Join(slices.Sorted(maps.Keys(names)), ", "))
	return 0
}

// table reads the number or the name of a routing table. Names that the
// administrator has given are not known here.
func (p *parser) table(w word) uint32 {
	if n, ok := routeTables[w.text]; ok {
		return n
	}
	n, err := strconv.ParseUint(w.text, 0, 32)
	switch {
	case err != nil:
		p.errorf(w.Position, "table %q is neither a number nor main, local or default: write its number, which is in /etc/iproute2/rt_tables", w.text)
	case n == 0:
		return mainTable
	}
	return uint32(n)
}

// uint32 reads a number of 32 bits, decimal or, behind 0x, hexadecimal.
func (p *parser) uint32(what string, w word) uint32 {
	n, err := strconv.ParseUint(w.text, 0, 32)
	if err != nil {
		p.errorf(w.Position, "%s %q is not a number from 0 to %d", what, w.text, uint32(math.MaxUint32))
		return 0
	}
	return uint32(n)
}

// didYouMean returns the end of a message about an unknown word.
func didYouMean(text string, words []string) string {
	if near, ok := nearest(text, words); ok {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	return "; known are " + strings.Join(words, ", ")
}
