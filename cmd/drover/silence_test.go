package main

import (
	"net/netip"
	"testing"
	"time"

	"github.com/vishvananda/netlink"

	"drover/bench/testbed"
	"drover/ctrl/netif"
)

func TestAMasterThatWasKilledStaysSilentAndClientsHardlyNotice(t *testing.T) {
	// Alone: a tenth of a second counts.
	n := newNetwork(t)
	_, high := n.startPair()
	late := n.addHost(testbed.HostSpec{Name: "late", Interface: "eth0", Addresses: prefixes("192.168.100.5/24")})
	n.believe(late, vip, n.high)
	adverts := n.watchAdverts()
	arp := n.watchARP(vip)
	client := n.steadily(n.client, vip, 20*time.Millisecond)
	adverts.next(n.high)
	adverts.next(n.high)

	high.kill()
	last := of(adverts.seen(), n.high, time.Time{})
	leaseEnd := last[len(last)-1].at.Add(3 * time.Second)
	asking := n.askForever(n.client, vip, 50*time.Millisecond)
	taken := adverts.next(n.low)
	if who, err := n.getFrom(late, vip); err != nil {
		t.Errorf("a client that still sends to the dead node's MAC is not served: %q, %v", who, err)
	}
	for adverts.next(n.low).at.Before(taken.at.Add(7 * time.Second)) {
	}
	asking()

	replies := 0
	for _, f := range arp.Seen() {
		reply, _ := f.ARP()
		if reply.Request || f.Time.Before(leaseEnd.Add(20*time.Millisecond)) {
			continue
		}
		replies++
		if reply.SenderMAC != n.low.MAC() {
			t.Errorf("%s: after the end of the lease (%s) it is %s who answers", f, leaseEnd, n.lab.HostByMAC(reply.SenderMAC))
		}
	}
	if replies == 0 {
		t.Error("nobody answers ARP for the VIP")
	}
	n.mustAnnounceTwice(arp, n.low, taken.at)
	n.mustHardlyNotice(client.stop(), leaseEnd, taken.at.Add(time.Second))
}

// mustAnnounceTwice holds a new master to garp_master_repeat and garp_master_delay: five gratuitous requests at once, and
// five more after 5 s.
func (n *network) mustAnnounceTwice(arp *testbed.Watch, h *testbed.Host, taken time.Time) {
	n.t.Helper()
	var at []time.Duration
	for _, f := range arp.Seen() {
		if a, _ := f.ARP(); a.Gratuitous() && a.Request && f.Port == h.Name() {
			at = append(at, f.Time.Sub(taken))
		}
	}
	if len(at) != 10 || at[4] > time.Second || at[5] < 4500*time.Millisecond {
		n.t.Errorf("%s announces the VIP at %v, want five times at once and five times after 5 s", h.Name(), at)
	}
}

// believe writes the neighbor table of a host by hand: it sends packets for an address to another host's MAC and never
// learns better.
func (n *network) believe(h *testbed.Host, address netip.Addr, at *testbed.Host) {
	n.t.Helper()
	n.must(h.Do(func() error {
		link, err := netlink.LinkByName(h.Interface())
		if err != nil {
			return err
		}
		return netlink.NeighSet(&netlink.Neigh{
			LinkIndex: link.Attrs().Index, State: netlink.NUD_PERMANENT, IP: address.AsSlice(),
			HardwareAddr: at.MAC().HardwareAddr(),
		})
	}))
}

// watchARP keeps the ARP packets whose sender says that it has an address.
func (n *network) watchARP(address netip.Addr) *testbed.Watch {
	n.t.Helper()
	watch, err := n.lab.Watch(func(f testbed.Frame) bool { a, is := f.ARP(); return is && a.Sender == address })
	n.must(err)
	return watch
}

// askForever asks who has an address until stop is called.
func (n *network) askForever(h *testbed.Host, address netip.Addr, every time.Duration) (stop func()) {
	n.t.Helper()
	var arp *netif.ARP
	n.must(h.Do(func() (err error) {
		arp, err = netif.OpenARP(h.Interface())
		return err
	}))
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-end:
				return
			case <-ticker.C:
				if err := arp.Request(h.Address(), address); err != nil {
					n.t.Errorf("ask for %s: %v", address, err)
					return
				}
			}
		}
	}()
	return func() {
		close(end)
		<-ended
		arp.Close()
	}
}
