package ctrl

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// announceOnce has a host tell its LAN that an address is there.
func announceOnce(t *testing.T, h *testbed.Host, vip netip.Addr) {
	t.Helper()
	err := h.Do(func() error {
		link, err := netif.Link(h.Interface())
		if err != nil {
			return err
		}
		a, err := netif.OpenAnnouncer()
		if err != nil {
			return err
		}
		return errors.Join(a.Announce(link, vip, nil), a.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// crier is an announcer whose announcements a test sees.
type crier struct {
	*announcer
	log  bytes.Buffer
	made []string
	fail error
}

func newCrier() *crier {
	c := new(crier)
	c.announcer = newAnnouncer(slog.New(slog.NewTextHandler(&c.log, nil)))
	c.send = func(on netif.LinkInfo, vip netip.Addr, mac net.HardwareAddr) error {
		c.made = append(c.made, strings.TrimSpace(fmt.Sprintf("%s on %d %s", vip, on.Index, mac)))
		return c.fail
	}
	return c
}

func (c *crier) mustHaveMade(t *testing.T, want ...string) {
	t.Helper()
	if !slices.Equal(c.made, want) {
		t.Errorf("made %q, want %q", c.made, want)
	}
	c.made = nil
}

func TestAnAnnouncerFollowsTheInterfacesAndKeepsTheIPVersionsApart(t *testing.T) {
	c, now := newCrier(), time.Now()
	v4, v6 := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("2001:db8::1")
	enp1s0 := func(index int, removed bool) netif.LinkEvent {
		return netif.LinkEvent{Link: netif.LinkInfo{Name: "enp1s0", Index: index}, Removed: removed}
	}
	both := []announcement{{"enp1s0", v4, nil}, {"enp1s0", v6, nil}, {"enp1s0", v4, net.HardwareAddr{0, 0, 0x5e, 0, 1, 7}}}
	c.postAt(now, both)
	c.mustHaveMade(t) // the interface is away
	c.link(enp1s0(3, false))
	c.pace(time.Second, 0)
	c.postAt(now, both)
	c.mustHaveMade(t, "192.0.2.1 on 3", "2001:db8::1 on 3")
	next := c.turn(now)
	if !next.Equal(now.Add(time.Second)) {
		t.Errorf("the next one is due at %s, want a second after %s", next, now)
	}
	if next := c.turn(next); !next.IsZero() {
		t.Errorf("another one is due at %s", next)
	}
	c.mustHaveMade(t, "192.0.2.1 on 3 00:00:5e:00:01:07")
	c.link(enp1s0(3, true))
	c.link(enp1s0(4, false)) // made again: whoever is there knows nothing
	c.postAt(now, both[:1])
	c.mustHaveMade(t, "192.0.2.1 on 4")
}

func TestAnnouncementsThatFailAreLoggedOnceAMinuteAndNotOfAnInterfaceThatHasGone(t *testing.T) {
	c, now := newCrier(), time.Now()
	one := []announcement{{"enp1s0", netip.MustParseAddr("192.0.2.1"), nil}}
	c.link(netif.LinkEvent{Link: netif.LinkInfo{Name: "enp1s0", Index: 3}})
	for _, err := range []error{
		fmt.Errorf("gone: %w", netif.ErrNoInterface), errors.New("no buffer"), errors.New("no buffer"),
	} {
		c.fail = err
		c.postAt(now, one)
	}
	if n := strings.Count(c.log.String(), "level=ERROR"); n != 1 || !strings.Contains(c.log.String(), "no buffer") {
		t.Errorf("logged %d times:\n%s", n, c.log.String())
	}
}

// Who posts has timers to keep.
func TestWhoPostsManyAnnouncementsMakesAFewOfThem(t *testing.T) {
	c, now := newCrier(), time.Now()
	c.link(netif.LinkEvent{Link: netif.LinkInfo{Name: "enp1s0", Index: 3}})
	five := slices.Repeat([]announcement{{"enp1s0", netip.MustParseAddr("192.0.2.1"), nil}}, 5)
	for range 6 {
		c.postAt(now, five)
	}
	if len(c.made) != loanMost || len(c.wake) != 1 {
		t.Errorf("%d of 30 were made at once, and %d were woken to make the others; want %d and 1", len(c.made), len(c.wake), loanMost)
	}
	c.postAt(now.Add(loanTime), five[:1])
	if len(c.made) != loanMost+15 { // all that wait go first
		t.Errorf("%d were made after the burst, want all 31", len(c.made))
	}
	c.made = nil
	c.postAt(now.Add(loanTime), five)
	for range 3 {
		if next := c.turn(now.Add(loanTime)); next.IsZero() {
			break
		}
	}
	if len(c.made) != 5 {
		t.Errorf("%d of the last 5 were made", len(c.made))
	}
}

func TestAnnouncementsOfAnInstanceComeInTurns(t *testing.T) {
	i := *plainInstance()
	i.VMAC = &config.VMAC{Name: "vrrp.110", Address: net.HardwareAddr{0, 0, 0x5e, 0, 1, 110}}
	i.Addresses = []config.VirtualAddress{
		{Prefix: prefixOf("192.0.2.1/24"), Interface: "enp1s0", OnVMAC: true}, {Prefix: prefixOf("192.0.2.2/24"), Interface: "enp2s0"},
	}
	var got []string
	unknown := netip.MustParseAddr("192.0.2.9") // a reload took it away
	for _, a := range announcementsOf(i, []netip.Addr{i.Addresses[0].Prefix.Addr(), unknown, i.Addresses[1].Prefix.Addr()}, 2) {
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", a.ifname, a.vip, a.mac)))
	}
	want := []string{"enp1s0 192.0.2.1 00:00:5e:00:01:6e", "enp2s0 192.0.2.2", "enp1s0 192.0.2.1 00:00:5e:00:01:6e", "enp2s0 192.0.2.2"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
