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
			r := p.take(p.add(i), fitness{})
			for deadline := r.group.next; time.Now().Before(deadline); { // the daemon sleeps
				if err := p.bell.wait(time.Until(deadline)); err != nil {
					t.Fatal(err)
				}
			}
			if test.waits {
				p.deliver(heard{r.key, quickAdvert(t)})
			}
			p.turnAll()
			if got := r.machine.State(); got != test.want {
				t.Errorf("state %s, want %s", got, test.want)
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

func TestTheElectionsEndWithTheirContextAndLetNobodyWait(t *testing.T) {
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
	for range 2 * cap(p.packets) {
		p.deliver(heard{})
	}
}
