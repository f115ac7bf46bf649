package ctrl

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

func TestALeavingMasterGoesSoonAfterItHearsItsSuccessor(t *testing.T) {
	p := newPolls(t)
	r := p.take(p.add(plainInstance()), fitness{})
	until := time.Now().Add(time.Second)
	r.leaving = until
	r.receive(advertOf(t, 110, vrrp.PriorityStopped)) // another one that goes
	if r.leaving != until {
		t.Errorf("leaves in %s, want a second: no successor was heard", time.Until(r.leaving))
	}
	r.receive(advertOf(t, 110, 12))
	if !r.leaving.Before(until) || r.left(time.Now()) || p.next().After(r.leaving) {
		t.Errorf("leaves in %s after its successor's advert, want about %s", time.Until(r.leaving), successorAnnounces)
	}
	leaves := r.leaving
	r.receive(advertOf(t, 110, 12))
	if r.leaving != leaves {
		t.Errorf("the next advert of its successor has it stay for %s more", r.leaving.Sub(leaves))
	}
	if !r.left(r.leaving) {
		t.Error("it does not leave when the time is over")
	}
}

func TestARouterThatWasNeverMasterLeavesAtOnce(t *testing.T) {
	for name, started := range map[string]bool{"as BACKUP": true, "before it has started": false} {
		t.Run(name, func(t *testing.T) {
			p := newPolls(t)
			r := p.add(plainInstance())
			if started {
				p.take(r, fitness{})
			}
			p.stop([]*router{r}, false)
			p.turnAll()
			if len(p.routers) != 0 || len(p.groups) != 0 {
				t.Errorf("%d routers and %d groups are left", len(p.routers), len(p.groups))
			}
		})
	}
}

func TestAMasterThatStopsTakesItsLeaseBackAndStaysForItsSuccessor(t *testing.T) {
	p := newPolls(t)
	r := p.add(plainInstance())
	gate := &lease{left: time.Second}
	r.gates = gate
	p.take(r, fitness{})
	if want := []opening{{3 * time.Second, forwardingGrace}}; !slices.Equal(gate.opened, want) {
		t.Errorf("on adoption it was opened for %v, want once for %v", gate.opened, want)
	}
	p.stop([]*router{r}, false)
	p.turnAll()
	if want := []time.Duration{forwardingGrace}; !slices.Equal(gate.closed, want) || p.routers[r.key] != r {
		t.Errorf("the lease was taken back for %v, want once for %v; it is there: %v", gate.closed, want, p.routers[r.key] == r)
	}
	least := successorDeadline(settingsOf(r.instance, from)) - time.Second // the test is slow
	if left := time.Until(r.leaving); left < least {
		t.Errorf("it leaves in %s, want at least %s", left, least)
	}
}

func TestAMasterThatGivesWayForwardsOnForTheGrace(t *testing.T) {
	p := newPolls(t)
	r := p.add(plainInstance())
	gate := &lease{left: time.Second}
	r.gates = gate
	p.take(r, fitness{})
	r.receive(advertOf(t, 110, 12))
	if want := []time.Duration{forwardingGrace}; r.machine.State() != vrrp.Backup || !slices.Equal(gate.closed, want) {
		t.Errorf("state %s, the lease was taken back for %v, want BACKUP and once for %v", r.machine.State(), gate.closed, want)
	}
}

func TestASuccessorIsAwaitedForAsLongAsTheLastOfAllBackupsMayTake(t *testing.T) {
	for name, test := range map[string]struct {
		version  int
		interval time.Duration
		want     time.Duration
	}{
		"version 2, whose skew is below a second": {2, time.Second, 255*time.Second/256 + successorMargin},
		"version 2 of longer adverts":             {2, 20 * time.Second, 255*time.Second/256 + successorMargin},
		"version 3 at 10 ms":                      {3, 10 * time.Millisecond, 255*10*time.Millisecond/256 + successorMargin},
		"version 3 at 3 s":                        {3, 3 * time.Second, 255*3*time.Second/256 + successorMargin},
		"no longer than packets are forwarded":    {3, 40 * time.Second, forwardingGrace},
	} {
		t.Run(name, func(t *testing.T) {
			i := plainInstance()
			i.Version, i.AdvertInterval = test.version, test.interval
			if got := successorDeadline(settingsOf(*i, from)); got != test.want {
				t.Errorf("%s, want %s", got, test.want)
			}
		})
	}
}

// Whoever is no member of the virtual router takes nothing over.
func TestAnAdvertThatNobodyListensToIsNoSuccessor(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*config.Instance, *netif.Packet)
		reason vrrp.DropReason
	}{
		"from beyond a router": {func(_ *config.Instance, p *netif.Packet) { p.TTL = 254 }, vrrp.DropTTL},
		"without the password": {func(i *config.Instance, _ *netif.Packet) {
			i.AuthType, i.AuthPass = config.AuthPass, "def345"
		}, vrrp.DropAuthType},
		"of the other version": {func(i *config.Instance, _ *netif.Packet) { i.Version = 3 }, vrrp.DropVersion},
		"of other addresses": {func(i *config.Instance, _ *netif.Packet) {
			i.Addresses = []config.VirtualAddress{{Prefix: prefixOf("192.168.100.222/24")}}
		}, vrrp.DropAddresses},
		"from no peer": {func(i *config.Instance, p *netif.Packet) {
			i.Unicast, i.CheckUnicastSource = []config.UnicastPeer{{Address: netip.MustParseAddr("192.168.100.9")}}, true
			p.Destination = from
		}, vrrp.DropSource},
		"its own, which came back": {func(_ *config.Instance, p *netif.Packet) { p.Source = from }, vrrp.DropOwn},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPolls(t)
			i, stray := plainInstance(), advertOf(t, 110, 12)
			test.change(i, &stray)
			r := p.take(p.add(i), fitness{})
			until := time.Now().Add(time.Second)
			r.leaving = until
			r.receive(stray)
			if r.leaving != until || r.succeeded {
				t.Errorf("it leaves in %s: it was taken for the successor", time.Until(r.leaving))
			}
			if n := r.status().dropped[test.reason]; n != 1 {
				t.Errorf("%d dropped for %s, want 1: %v", n, test.reason, r.status().dropped)
			}
		})
	}
}
