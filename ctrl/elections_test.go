package ctrl

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

// A daemon that slept must not take over from a master whose adverts wait in its queue.
func TestAdvertsThatWaitAreHeardBeforeTime(t *testing.T) {
	for name, test := range map[string]struct {
		waits bool
		want  vrrp.State
	}{"one waits": {true, vrrp.Backup}, "none waits": {false, vrrp.Master}} {
		t.Run(name, func(t *testing.T) {
			p := newPolls(t)
			i := plainInstance()
			i.Version, i.AdvertInterval = 3, 10*time.Millisecond
			socket, r := p.listen(absent), p.take(p.add(i), fitness{})
			p.sleepUntil(r.group.next)
			if test.waits {
				socket.put(quickAdvert(t))
			}
			p.turnAll()
			if got := r.machine.State(); got != test.want {
				t.Errorf("state %s, want %s", got, test.want)
			}
		})
	}
}

// sleepUntil has the elections sleep until something is due.
func (p *polls) sleepUntil(deadline time.Time) {
	p.t.Helper()
	for time.Now().Before(deadline) {
		if err := p.bell.wait(time.Until(deadline)); err != nil {
			p.t.Fatal(err)
		}
	}
}

// A MASTER that has heard its better advertises once more, to say goodbye. It must not make its claim beside that, because
// its next advert is due while the better one's lies in the socket: of many instances the adverts take a while, so that it
// may come when the first of them is at work already.
func TestAMasterWhoseAdvertIsDueHearsFirstWhatWaits(t *testing.T) {
	for name, comes := range map[string]func(due func(), put func()){
		"before anything is done": func(due, put func()) { put(); due() },
		"at the last moment":      func(due, put func()) { due(); put() },
	} {
		t.Run(name, func(t *testing.T) {
			p := newPolls(t)
			i := plainInstance()
			i.Version, i.AdvertInterval, i.HigherPrioSendAdvert = 3, 10*time.Millisecond, true
			r := p.add(i)
			r.gates = &lease{left: time.Second} // adopted as MASTER
			socket := p.listen(absent)
			p.take(r, fitness{})
			if state := r.machine.State(); state != vrrp.Master {
				t.Fatalf("state %s, want MASTER", state)
			}
			said := len(r.gates.(*lease).opened)
			p.post(func() {
				comes(func() { p.sleepUntil(r.group.next) }, func() { socket.put(quickAdvert(t)) })
			})
			p.turnAll()
			if state := r.machine.State(); state != vrrp.Backup {
				t.Errorf("state %s, want BACKUP", state)
			}
			if claims := len(r.gates.(*lease).opened) - said; claims != 0 {
				t.Errorf("it claims to be MASTER %d times although a better one was heard", claims)
			}
		})
	}
}

// quickAdvert is an advert of a master with version 3 and another one every 10 ms.
func quickAdvert(t *testing.T) netif.Packet {
	t.Helper()
	p := advertOf(t, 110, 12)
	payload, err := vrrp.Advert{
		Version: 3, VirtualRouterID: 110, Priority: 12, Interval: 10 * time.Millisecond,
		Addresses: []netip.Addr{netip.MustParseAddr("192.168.100.221")},
	}.Marshal(p.Source, p.Destination)
	if err != nil {
		t.Fatal(err)
	}
	p.Payload = payload
	return p
}

func TestTheElectionsEndWithTheirContext(t *testing.T) {
	p := newPolls(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.run(ctx) }()
	turned := make(chan struct{})
	p.post(func() { close(turned) })
	<-turned
	cancel()
	if err := <-ended; err != nil && !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestAFloodOfAdvertsDoesNotKeepTheTimersFromBeingLookedAt(t *testing.T) {
	p := newPolls(t)
	socket := p.listen(absent)
	r := p.take(p.add(plainInstance()), fitness{})
	r.receive(advertOf(t, 110, 5)) // the MASTER that it yields to
	r.yieldsUntil = time.Now()
	for range patienceOfATurn + 1 {
		socket.put(advertOf(t, 99, 12))
	}
	p.turnAll()
	if left := len(socket.packets); left != 1 || !r.yieldsUntil.IsZero() {
		t.Errorf("%d adverts wait, and the timer is at %s; want 1, and it looked at", left, r.yieldsUntil)
	}
}
