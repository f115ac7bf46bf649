package netif

import (
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestARuleIsAddedOnceAndRemovedOnce(t *testing.T) {
	h, _ := newLAN(t)
	for _, test := range []struct {
		name string
		rule Rule
		want func(netlink.Rule) bool
	}{
		{"from", Rule{From: prefix("10.1.0.0/16"), Table: 100, Priority: 1000},
			func(r netlink.Rule) bool { return r.Src.String() == "10.1.0.0/16" && r.Dst == nil && r.Table == 100 }},
		{"to, with interfaces", Rule{To: prefix("10.2.0.0/16"), IIf: "enp7s0", OIf: testInterface, Table: 100000, Priority: 1001},
			func(r netlink.Rule) bool {
				return r.Dst.String() == "10.2.0.0/16" && r.IifName == "enp7s0" && r.OifName == testInterface && r.Table == 100000
			}},
		{"mark", Rule{FWMark: 0x10, FWMask: 0xf0, Priority: 1002},
			func(r netlink.Rule) bool { return r.Mark == 0x10 && *r.Mask == 0xf0 && r.Table == unix.RT_TABLE_MAIN }},
		{"mark 0", Rule{FWMask: 0xff, Table: 9, Priority: 1003},
			func(r netlink.Rule) bool { return r.Mark == 0 && *r.Mask == 0xff && r.Table == 9 }},
		{"blackhole", Rule{From: prefix("10.3.0.0/16"), Action: RuleBlackhole, Priority: 1004},
			func(r netlink.Rule) bool { return r.Src.String() == "10.3.0.0/16" && r.Table <= 0 }},
		{"IPv6", Rule{IPv6: true, From: prefix("2001:db8::/32"), Table: 100, Priority: 1005},
			func(r netlink.Rule) bool { return r.Src.String() == "2001:db8::/32" && r.Table == 100 }},
		{"IPv6 for everything", Rule{IPv6: true, Action: RuleProhibit, Priority: 1006},
			func(r netlink.Rule) bool { return r.Src == nil && r.Dst == nil }},
	} {
		t.Run(test.name, func(t *testing.T) {
			h.must(func() error {
				for _, want := range []bool{true, false} {
					if added, err := AddRule(test.rule); err != nil || added != want {
						t.Errorf("added = %v, want %v: %v", added, want, err)
					}
				}
				found := rulesOf(t, test.rule)
				if len(found) != 1 || !test.want(found[0]) || found[0].Protocol != 18 {
					t.Errorf("rules %+v", found)
				}
				for _, want := range []bool{true, false} {
					if removed, err := RemoveRule(test.rule); err != nil || removed != want {
						t.Errorf("removed = %v, want %v: %v", removed, want, err)
					}
				}
				if left := rulesOf(t, test.rule); len(left) != 0 {
					t.Errorf("left %+v", left)
				}
				return nil
			})
		})
	}
}

// rulesOf lists the rules of a rule's family that have its priority.
func rulesOf(t *testing.T, rule Rule) []netlink.Rule {
	t.Helper()
	list, err := netlink.RuleListFiltered(rule.netlink().Family, &netlink.Rule{Priority: int(rule.Priority)}, netlink.RT_FILTER_PRIORITY)
	if err != nil {
		t.Fatal(err)
	}
	return list
}
