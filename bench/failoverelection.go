package main

import (
	"net/netip"
	"time"
)

// advert is a VRRP advert that the client heard. Its time is since the beginning of the repetition.
type advert struct {
	from     netip.Addr
	priority uint8 // 0: the master leaves
	at       time.Duration
}

// lastOf is when a node was heard last, but for its farewell.
func lastOf(heard []advert, node netip.Addr) (at time.Duration, found bool) {
	for i := len(heard) - 1; i >= 0; i-- {
		if heard[i].from == node && heard[i].priority > 0 {
			return heard[i].at, true
		}
	}
	return 0, false
}

// firstOf is when a node was heard first after an event.
func firstOf(heard []advert, node netip.Addr, event time.Duration) (at time.Duration, found bool) {
	for _, a := range heard {
		if a.from == node && a.priority > 0 && a.at > event {
			return a.at, true
		}
	}
	return 0, false
}

// soleMaster is the only node that adverts at a time: it was heard within the window before, and no other was that has
// not said farewell.
func soleMaster(heard []advert, now, window time.Duration) (master netip.Addr, found bool) {
	judged := make(map[netip.Addr]bool)
	for i := len(heard) - 1; i >= 0 && heard[i].at > now-window; i-- {
		a := heard[i]
		if judged[a.from] {
			continue
		}
		judged[a.from] = true
		if a.priority == 0 {
			continue
		}
		if found {
			return netip.Addr{}, false
		}
		master, found = a.from, true
	}
	return master, found
}

// window is how long a master may be silent.
func (a adverts) window() time.Duration {
	const late = 20 * time.Millisecond
	return a.interval + a.interval/5 + late
}

// nextBeat is the first time after now that a share of an interval has passed since a beat.
func nextBeat(beat, interval time.Duration, phase float64, now time.Duration) time.Duration {
	at := beat + time.Duration(phase*float64(interval))
	if at > now {
		return at
	}
	return at + ((now-at)/interval+1)*interval
}
