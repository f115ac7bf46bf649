package netif

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// RuleAction is what a rule of policy routing does with a packet, in the kernel's numbers (linux/fib_rules.h).
type RuleAction uint8

// The actions that keepalived.conf names. The zero value stands for a look into a table.
const (
	RuleTable       RuleAction = 1
	RuleBlackhole   RuleAction = 6
	RuleUnreachable RuleAction = 7
	RuleProhibit    RuleAction = 8
)

// Rule is one rule of policy routing, as an entry of keepalived's virtual_rules or static_rules describes it. What is zero
// matches everything.
type Rule struct {
	IPv6           bool
	From, To       netip.Prefix
	FWMark, FWMask uint32 // no mark is looked at with a mask of 0
	IIf, OIf       string // interfaces, which need not be there
	Action         RuleAction
	Table          uint32 // of RuleTable
	Priority       uint32 // the lowest comes first; each rule should have its own
}

// AddRule adds a rule. It reports added=false and no error when this very rule is there. Needs CAP_NET_ADMIN.
func AddRule(rule Rule) (added bool, err error) {
	err = netlink.RuleAdd(rule.netlink())
	if errors.Is(err, unix.EEXIST) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("add rule %d: %w", rule.Priority, err)
	}
	return true, nil
}

// RemoveRule removes a rule as it was added. It reports removed=false and no error when it is not there. What is zero in
// rule is any value to the kernel: with another rule of the same priority it is the first that goes. Needs CAP_NET_ADMIN.
func RemoveRule(rule Rule) (removed bool, err error) {
	err = netlink.RuleDel(rule.netlink())
	if errors.Is(err, unix.ENOENT) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove rule %d: %w", rule.Priority, err)
	}
	return true, nil
}

func (r Rule) netlink() *netlink.Rule {
	const keepalived = 18 // RTPROT_KEEPALIVED: who made it
	rule := netlink.NewRule()
	rule.Family = netlink.FAMILY_V4
	if r.IPv6 {
		rule.Family = netlink.FAMILY_V6
	}
	rule.Src, rule.Dst = networkOf(r.From), networkOf(r.To)
	rule.IifName, rule.OifName = r.IIf, r.OIf
	rule.Priority, rule.Protocol = int(r.Priority), keepalived
	rule.Type = uint8(cmp.Or(r.Action, RuleTable))
	if rule.Type == uint8(RuleTable) {
		rule.Table = int(cmp.Or(r.Table, unix.RT_TABLE_MAIN))
	}
	if r.FWMask != 0 {
		rule.Mark, rule.Mask = r.FWMark, &r.FWMask
	}
	return rule
}

// networkOf returns nil for the zero Prefix.
func networkOf(prefix netip.Prefix) *net.IPNet {
	if !prefix.IsValid() {
		return nil
	}
	return &net.IPNet{IP: prefix.Masked().Addr().AsSlice(), Mask: net.CIDRMask(prefix.Bits(), prefix.Addr().BitLen())}
}
