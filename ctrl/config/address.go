package config

import (
	"net/netip"
	"slices"
	"strings"
)

// addressLine is one line of virtual_ipaddress.
type addressLine struct {
	VirtualAddress
	interfaceAt Position
}

// readVirtualAddresses reads virtual_ipaddress. The family of its addresses is
// the family of the instance.
func readVirtualAddresses(p *parser, s *statement, into *instanceDraft) {
	for _, line := range s.block.statements {
		a, ok := p.virtualAddress(line)
		if !ok {
			continue
		}
		if len(into.addresses) > 0 && into.addresses[0].Prefix.Addr().BitLen() != a.Prefix.Addr().BitLen() {
			p.errorf(a.Position, "%s has another address family than %s: put it into virtual_ipaddress_excluded",
				a.Prefix.Addr(), into.addresses[0].Prefix.Addr())
			continue
		}
		into.addresses = append(into.addresses, a)
	}
}

// readExcludedAddresses reads virtual_ipaddress_excluded, where families may
// mix.
func readExcludedAddresses(p *parser, s *statement, into *instanceDraft) {
	for _, line := range s.block.statements {
		if a, ok := p.virtualAddress(line); ok {
			into.excluded = append(into.excluded, a)
		}
	}
}

// virtualAddress reads ADDRESS[/LENGTH] [OPTION [VALUE]]...
func (p *parser) virtualAddress(line *statement) (addressLine, bool) {
	if p.refuseBlock(line) {
		return addressLine{}, false
	}
	prefix, ok := p.prefix(line.keyword())
	if !ok {
		return addressLine{}, false
	}
	a := addressLine{VirtualAddress: VirtualAddress{
		Position:   line.keyword().Position,
		Prefix:     prefix,
		Deprecated: prefix.Addr().Is6() && prefix.IsSingleIP(),
	}}
	for options := line.args(); len(options) > 0; {
		used := p.addressOption(options, &a)
		options = options[used:]
	}
	return a, true
}

// prefix reads ADDRESS[/LENGTH]; without a length it is the whole address.
func (p *parser) prefix(w word) (netip.Prefix, bool) {
	if !strings.Contains(w.text, "/") {
		a, ok := p.ip(w)
		return netip.PrefixFrom(a, a.BitLen()), ok
	}
	prefix, err := netip.ParsePrefix(w.text)
	if err != nil || !isPlain(prefix.Addr()) {
		p.errorf(w.Position, "%q is not an IP address with a prefix length, such as 192.168.100.221/24", w.text)
		return netip.Prefix{}, false
	}
	return prefix, true
}

// unservedAddressOptions are the options of an address that Drover passes over,
// with the number of their values.
var unservedAddressOptions = map[string]int{
	"-nodad": 0, "autojoin": 0, "home": 0, "mngtmpaddr": 0, "no_track": 0, "noprefixroute": 0, "use_vmac": 0,
	"peer": 1, "track_group": 1,
}

// addressOptions are the options of an address that Drover serves.
var addressOptions = []string{"dev", "label", "brd", "broadcast", "scope", "preferred_lft"}

// addressScopes are the scopes that an address can have, see ip-address(8).
var addressScopes = []string{"site", "link", "host", "nowhere", "global"}

// addressOption reads the option that words begin with, and returns how many
// words it takes.
func (p *parser) addressOption(words []word, a *addressLine) int {
	option := words[0]
	if values, ok := unservedAddressOptions[option.text]; ok {
		p.warnf(option.Position, "%s is not served: the address is added without it", option.text)
		return min(1+values, len(words))
	}
	if !slices.Contains(addressOptions, option.text) {
		p.errorf(option.Position, "unknown word %q behind an address; known are dev, label, brd, scope and preferred_lft", option.text)
		return len(words)
	}
	if len(words) < 2 {
		p.errorf(option.Position, "%s needs a value", option.text)
		return 1
	}
	value := words[1]
	switch option.text {
	case "dev":
		a.Interface, a.interfaceAt = value.text, value.Position
	case "label":
		a.Label = value.text
	case "scope":
		a.Scope = value.text
		if !slices.Contains(addressScopes, value.text) {
			p.errorf(value.Position, "scope %q is not one of %s", value.text, strings.Join(addressScopes, ", "))
		}
	case "brd", "broadcast":
		a.Broadcast = p.broadcast(value, a.Prefix)
	case "preferred_lft":
		a.Deprecated = p.deprecated(value)
	}
	return 2
}

// deprecated reads the time for which the host prefers the address: 0 or
// forever.
func (p *parser) deprecated(w word) bool {
	if w.text != "0" && w.text != "forever" {
		p.errorf(w.Position, "preferred_lft %q is neither 0 nor forever", w.text)
	}
	return w.text == "0"
}

// broadcast reads a broadcast address: "+" sets the host bits of the prefix, "-"
// clears them, as in ip-address(8).
func (p *parser) broadcast(w word, prefix netip.Prefix) netip.Addr {
	if w.text != "+" && w.text != "-" || !prefix.Addr().Is4() {
		a, _ := p.ipv4(w)
		return a
	}
	if w.text == "+" {
		return lastAddress(prefix)
	}
	return prefix.Masked().Addr()
}
