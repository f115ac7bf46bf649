package ctrl

import (
	"errors"
	"net/netip"
	"testing"
)

func TestAVIPThatCouldNotBeRemovedIsRemovedLaterUnlessItIsHeldAgain(t *testing.T) {
	host, _ := twoFamilies(t)
	ifname := host.Interface()
	g := groundOn(ifname)
	e := g.errands
	vips := []netip.Addr{netip.MustParseAddr("192.168.100.221")}
	works := e.remove
	fail := func() error { e.remove = func(remain) error { return errors.New("no memory") }; return nil }
	mend := func() error { e.remove = works; return nil }
	again := func() error { e.removeRemains(); return nil }
	master := func() error { g.add(vips); return nil }
	backup := func() error { g.remove(vips, false); return nil }
	there := func(want bool) func() error { return func() error { return holds(ifname, "192.168.100.221/24", want) } }
	for _, test := range []struct {
		name  string
		steps []func() error
	}{
		{"later", []func() error{master, fail, backup, there(true), again, there(true), mend, again, there(false)}},
		{"it is MASTER again before", []func() error{master, fail, backup, master, mend, again, there(true), backup, there(false)}},
		{"at once, when nothing fails", []func() error{master, backup, there(false)}},
	} {
		must(t, host.Do(func() error {
			for i, step := range test.steps {
				if err := step(); err != nil {
					t.Errorf("%s: step %d: %v", test.name, i, err)
				}
			}
			return nil
		}))
		if len(e.remains) > 0 {
			t.Errorf("%s: there remain %v", test.name, e.remains)
		}
	}
}
