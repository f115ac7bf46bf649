package netif

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vishvananda/netlink"
)

// watchLinks watches a host's links until the test ends; the channel has room for all that a test lets happen.
func (h *host) watchLinks() <-chan LinkEvent {
	events := make(chan LinkEvent, 1024)
	runWatch(h, WatchLinks, func(e LinkEvent) { events <- e })
	return events
}

func runWatch[T any](h *host, watch func(context.Context, func(T)) error, report func(T)) {
	h.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := h.start(func() error { return watch(ctx, report) })
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("watch: %v", err)
		}
	})
}

func isUsable(want bool) func(LinkEvent) bool {
	return func(e LinkEvent) bool { return e.Link.Name == testInterface && !e.Removed && e.Link.Usable() == want }
}

func TestALinkIsDescribedAsItIs(t *testing.T) {
	a, b := newLAN(t)
	look := func() (link LinkInfo) {
		t.Helper()
		a.must(func() (err error) {
			link, err = Link(testInterface)
			return err
		})
		return link
	}
	got := look()
	if got.Name != testInterface || got.Index == 0 || got.MAC.String() != "00:0d:b9:41:e5:40" || got.MTU != 1500 || !got.Up || !got.Carrier {
		t.Errorf("got %+v", got)
	}
	b.setUp(false) // the other end of the cable
	if got := look(); !got.Up || got.Carrier || got.Usable() {
		t.Errorf("without carrier: %+v", got)
	}
	a.setUp(false)
	if got := look(); got.Up || got.Carrier {
		t.Errorf("down: %+v", got)
	}
	a.must(func() error {
		if _, err := Link("enp9s0"); !errors.Is(err, ErrNoInterface) {
			t.Errorf("absent interface: %v", err)
		}
		names, err := Interfaces()
		if !slices.Contains(names, testInterface) || !slices.Contains(names, "lo") {
			t.Errorf("interfaces %q", names)
		}
		return err
	})
}

func TestAWatchReportsThePresentThenEachChangeOfALink(t *testing.T) {
	a, b := newLAN(t)
	events := a.watchLinks()
	await(t, events, "the present state", isUsable(true))
	b.setUp(false)
	lost := await(t, events, "the loss of carrier", isUsable(false))
	if !lost.Link.Up || lost.Link.Carrier {
		t.Errorf("lost carrier: %+v", lost)
	}
	b.setUp(true)
	await(t, events, "the carrier", isUsable(true))
	a.setUp(false)
	await(t, events, "the link down", func(e LinkEvent) bool { return !e.Link.Up })
}

func TestAWatchReportsAnInterfaceThatIsRemovedAndCreatedAgain(t *testing.T) {
	a, _ := newLAN(t)
	events := a.watchLinks()
	first := await(t, events, "the present state", isUsable(true))
	a.withLink(netlink.LinkDel)
	removed := await(t, events, "the removal", func(e LinkEvent) bool { return e.Removed })
	if removed.Link.Name != testInterface || removed.Link.Index != first.Link.Index {
		t.Errorf("removed %+v", removed)
	}
	a.must(func() error {
		return netlink.LinkAdd(&netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: testInterface}, PeerName: "enp2s0"})
	})
	again := await(t, events, "the new interface", func(e LinkEvent) bool { return !e.Removed && e.Link.Name == testInterface })
	if again.Link.Index == first.Link.Index {
		t.Errorf("the new interface has the old index: %+v", again)
	}
}

func TestAWatchReportsARenamedInterfaceUnderBothNames(t *testing.T) {
	a, _ := newLAN(t)
	events := a.watchLinks()
	await(t, events, "the present state", isUsable(true))
	a.setUp(false)
	a.withLink(func(link netlink.Link) error { return netlink.LinkSetName(link, "lan0") })
	await(t, events, "the end of the old name", func(e LinkEvent) bool { return e.Removed && e.Link.Name == testInterface })
	await(t, events, "the new name", func(e LinkEvent) bool { return !e.Removed && e.Link.Name == "lan0" })
}

func TestAPortThatLeavesItsBridgeIsNotRemoved(t *testing.T) {
	a, _ := newLAN(t)
	events := a.watchLinks()
	await(t, events, "the present state", isUsable(true))
	a.withLink(func(port netlink.Link) error {
		bridge := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}}
		if err := netlink.LinkAdd(bridge); err != nil {
			return err
		}
		if err := netlink.LinkSetMaster(port, bridge); err != nil {
			return err
		}
		if err := netlink.LinkSetNoMaster(port); err != nil {
			return err
		}
		return netlink.LinkSetMTU(port, 1400) // the last event to wait for
	})
	await(t, events, "the change of MTU", func(e LinkEvent) bool {
		if e.Removed {
			t.Errorf("removed: %+v", e)
		}
		return e.Link.Name == testInterface && e.Link.MTU == 1400
	})
}

func TestAWatchThatMissesNotificationsReadsAgain(t *testing.T) {
	a, _ := newLAN(t)
	events, proceed := make(chan LinkEvent, 1024), make(chan struct{})
	runWatch(a, WatchLinks, func(e LinkEvent) {
		<-proceed // the reader is slow, and its socket overruns
		events <- e
	})
	const changes, last = 600, 9000
	a.withLink(func(link netlink.Link) error {
		for i := range changes {
			if err := netlink.LinkSetMTU(link, 1000+i); err != nil {
				return err
			}
		}
		return netlink.LinkSetMTU(link, last)
	})
	close(proceed)
	seen := 0
	await(t, events, "the last state", func(e LinkEvent) bool {
		seen++
		return e.Link.Name == testInterface && e.Link.MTU == last
	})
	if seen > changes {
		t.Errorf("%d events: nothing was missed, so this tested nothing", seen)
	}
}

func TestAWatchReportsAddressesThatComeAndGo(t *testing.T) {
	a, _ := newLAN(t)
	events := make(chan AddressEvent, 1024)
	runWatch(a, WatchAddresses, func(e AddressEvent) { events <- e })
	is := func(p string, removed bool) func(AddressEvent) bool {
		return func(e AddressEvent) bool {
			return e == AddressEvent{Interface: testInterface, Prefix: prefix(p), Removed: removed}
		}
	}
	await(t, events, "the present address", is("192.168.100.210/24", false))
	a.addAddress("192.168.100.221/24")
	await(t, events, "the VIP", is("192.168.100.221/24", false))
	a.must(func() error {
		_, err := RemoveAddress(testInterface, prefix("192.168.100.221/24"))
		return err
	})
	await(t, events, "the VIP's end", is("192.168.100.221/24", true))
	a.withLink(netlink.LinkDel)
	await(t, events, "the end of the interface's address", is("192.168.100.210/24", true))
}

func TestAddressesGoWhereTheNameOfTheirInterfaceGoes(t *testing.T) {
	a, _ := newLAN(t)
	events := make(chan AddressEvent, 1024)
	runWatch(a, WatchAddresses, func(e AddressEvent) { events <- e })
	is := func(ifname string, removed bool) func(AddressEvent) bool {
		return func(e AddressEvent) bool {
			return e == AddressEvent{Interface: ifname, Prefix: prefix("192.168.100.210/24"), Removed: removed}
		}
	}
	await(t, events, "the present address", is(testInterface, false))
	a.withLink(func(link netlink.Link) error {
		return errors.Join(netlink.LinkSetDown(link), netlink.LinkSetName(link, "lan0"))
	})
	await(t, events, "the address's end under the old name", is(testInterface, true))
	await(t, events, "the address under the new name", is("lan0", false))
	a.must(func() error {
		_, err := RemoveAddress("lan0", prefix("192.168.100.210/24"))
		return err
	})
	await(t, events, "the address's end", is("lan0", true))
}

func TestAFullReadingOfAddressesFollowsNames(t *testing.T) {
	key := addressKey{2, prefix("192.168.100.210/24")}
	table := addressTable{key: "enp1s0", {3, prefix("10.0.0.1/8")}: "enp2s0"}
	var got []AddressEvent
	err := table.replace([]addressKey{key}, func(index int) (string, bool, error) { return "lan0", index == 2, nil },
		func(e AddressEvent) { got = append(got, e) })
	want := []AddressEvent{
		{"enp1s0", key.prefix, true}, {"enp2s0", prefix("10.0.0.1/8"), true}, {"lan0", key.prefix, false},
	}
	slices.SortFunc(got[:min(2, len(got))], func(a, b AddressEvent) int { return strings.Compare(a.Interface, b.Interface) })
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("reported %v, %v; want %v", got, err, want)
	}
}

func TestAFullReadingReportsOnlyWhatDiffers(t *testing.T) {
	up := LinkInfo{Name: "enp1s0", Index: 2, Up: true, Carrier: true, MTU: 1500, MAC: macA}
	down, other, moved := up, up, up
	down.Carrier = false
	other.Name, other.Index = "enp2s0", 3
	moved.Index = 7
	swapped := []LinkInfo{up, other}
	swapped[0].Name, swapped[1].Name = other.Name, up.Name
	for _, test := range []struct {
		name    string
		before  []LinkInfo
		present []LinkInfo
		want    []string
	}{
		{"nothing", []LinkInfo{up, other}, []LinkInfo{up, other}, nil},
		{"a change", []LinkInfo{up, other}, []LinkInfo{down, other}, []string{"enp1s0"}},
		{"a removal", []LinkInfo{up, other}, []LinkInfo{up}, []string{"-enp2s0"}},
		{"an appearance", []LinkInfo{up}, []LinkInfo{up, other}, []string{"enp2s0"}},
		{"two names that changed places: both are removed first", []LinkInfo{up, other}, []LinkInfo{swapped[0], swapped[1]},
			[]string{"-enp1s0", "-enp2s0", "enp2s0", "enp1s0"}},
		{"an interface created again: removal first", []LinkInfo{up}, []LinkInfo{moved}, []string{"-enp1s0", "enp1s0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			table := linkTable{}
			table.replace(test.before, func(LinkEvent) {})
			var got []string
			table.replace(test.present, func(e LinkEvent) {
				if e.Removed {
					got = append(got, "-"+e.Link.Name)
				} else {
					got = append(got, e.Link.Name)
				}
			})
			removed := 0
			for removed < len(got) && strings.HasPrefix(got[removed], "-") {
				removed++
			}
			slices.Sort(got[:removed]) // removals come in any order
			if !slices.Equal(got, test.want) {
				t.Errorf("reported %q, want %q", got, test.want)
			}
		})
	}
}
