package config

import (
	"fmt"
	"strconv"
)

// static writes what is always there.
func (w *printer) static(c *Config) {
	list(w, "static_ipaddress", c.StaticAddresses, w.address)
	list(w, "static_routes", c.StaticRoutes, w.route)
	list(w, "static_rules", c.StaticRules, w.rule)
}

// address returns the words of an address.
func (w *printer) address(a VirtualAddress) []string {
	words := []string{a.Prefix.String(), "dev", w.word(a.Interface)}
	if a.Label != "" {
		words = append(words, "label", w.word(a.Label))
	}
	if a.Broadcast.IsValid() {
		words = append(words, "brd", a.Broadcast.String())
	}
	if a.Scope != "" {
		words = append(words, "scope", a.Scope)
	}
	switch {
	case a.Deprecated:
		words = append(words, "preferred_lft", "0")
	case a.Prefix.Addr().Is6():
		words = append(words, "preferred_lft", "forever")
	}
	return words
}

// route returns the words of a route.
func (w *printer) route(r Route) []string {
	words := []string{r.Type, r.Destination.String()}
	if r.Via.IsValid() {
		words = append(words, "via", r.Via.String())
	}
	if r.OnLink {
		words = append(words, "onlink")
	}
	if r.Interface != "" {
		words = append(words, "dev", w.word(r.Interface))
	}
	if r.Source.IsValid() {
		words = append(words, "src", r.Source.String())
	}
	if r.Metric > 0 {
		words = append(words, "metric", number(r.Metric))
	}
	words = append(words, "table", number(r.Table), "protocol", strconv.Itoa(int(r.Protocol)))
	if usual := r.Type == "unicast" && !r.Via.IsValid() && r.Destination.Addr().Is4(); r.Scope > 0 || usual {
		words = append(words, "scope", strconv.Itoa(int(r.Scope)))
	}
	switch {
	case r.MTULock:
		words = append(words, "mtu", "lock", number(r.MTU))
	case r.MTU > 0:
		words = append(words, "mtu", number(r.MTU))
	}
	return words
}

// rule returns the words of a rule.
func (w *printer) rule(r Rule) []string {
	var words []string
	if r.IPv6 && !r.From.IsValid() && !r.To.IsValid() {
		words = append(words, "inet6")
	}
	if r.From.IsValid() {
		words = append(words, "from", r.From.String())
	}
	if r.To.IsValid() {
		words = append(words, "to", r.To.String())
	}
	if r.FWMark > 0 || r.FWMask > 0 {
		words = append(words, "fwmark", fmt.Sprintf("%d/%d", r.FWMark, r.FWMask))
	}
	if r.IIf != "" {
		words = append(words, "iif", w.word(r.IIf))
	}
	if r.OIf != "" {
		words = append(words, "oif", w.word(r.OIf))
	}
	if r.Action == "table" {
		words = append(words, "table", number(r.Table))
	} else {
		words = append(words, r.Action)
	}
	return append(words, "priority", number(r.Priority))
}

func number(n uint32) string { return strconv.FormatUint(uint64(n), 10) }
