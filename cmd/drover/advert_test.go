package main

import (
	"context"
	"net/netip"
	"slices"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/vrrp"
)

// advert is one that entered the switch.
type advert struct {
	at       time.Time
	from     string // the host
	source   netip.Addr
	priority uint8
}

// adverts are those of the LAN, as they come.
type adverts struct {
	n     *network
	watch *testbed.Watch
}

func (n *network) watchAdverts() *adverts {
	n.t.Helper()
	watch, err := n.lab.Watch(func(f testbed.Frame) bool { _, is := f.VRRP(); return is })
	n.must(err)
	return &adverts{n, watch}
}

func asAdvert(f testbed.Frame) (advert, bool) {
	ip, _ := f.IP()
	a, err := vrrp.Parse(ip.Payload, ip.Source, ip.Destination)
	return advert{f.Time, f.Port, ip.Source, a.Priority}, err == nil
}

// seen are all adverts so far.
func (a *adverts) seen() []advert {
	var list []advert
	for _, f := range a.watch.Seen() {
		if one, ok := asAdvert(f); ok {
			list = append(list, one)
		}
	}
	return list
}

// next waits for the next advert of a host: not one of those seen already.
func (a *adverts) next(h *testbed.Host) advert {
	a.n.t.Helper()
	a.watch.Skip()
	ctx, cancel := context.WithTimeout(context.Background(), a.n.patience)
	defer cancel()
	f, err := a.watch.Find(ctx, func(f testbed.Frame) bool { return f.Port == h.Name() })
	if err != nil {
		a.n.t.Fatalf("wait for an advert of %s: %v", h.Name(), err)
	}
	one, ok := asAdvert(f)
	if !ok {
		a.n.t.Fatalf("%s sends an advert that cannot be parsed", h.Name())
	}
	return one
}

// of are the adverts of a host from a time on.
func of(list []advert, h *testbed.Host, from time.Time) []advert {
	return slices.DeleteFunc(slices.Clone(list), func(a advert) bool { return a.from != h.Name() || a.at.Before(from) })
}

// handover is the time from the last advert of one host to the first of its successor. The successor sent none before.
func (a *adverts) handover(from, to *testbed.Host) time.Duration {
	a.n.t.Helper()
	list := a.seen()
	last, first := of(list, from, time.Time{}), of(list, to, time.Time{})
	if len(last) == 0 || len(first) == 0 {
		a.n.t.Fatalf("%d adverts of %s and %d of %s: no handover", len(last), from.Name(), len(first), to.Name())
	}
	return first[0].at.Sub(last[len(last)-1].at)
}

// mustTake holds a handover to its bounds. The upper ones of the issue get a tenth of a second for a loaded machine.
func mustTake(t *testing.T, took, least, most time.Duration) {
	t.Helper()
	const slack = 100 * time.Millisecond
	if took < least || took > most+slack {
		t.Errorf("the handover took %s, want %s to %s", took, least, most)
	}
}
