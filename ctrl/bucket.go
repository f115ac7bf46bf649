package ctrl

import (
	"time"

	"drover/ctrl/vrrp"
)

// dropFlood is an advert that came faster than they are read, see bucket. Of which virtual router it was nobody has looked:
// every instance on its interface counts it.
const dropFlood vrrp.DropReason = "flood"

// bucket bounds how many adverts are heard on an interface, where anybody can send as many as the wire carries. The process
// of VRRP goes before all others on its CPU, so what it has to do must be bounded: an advert takes some 20 us.
type bucket struct {
	tokens float64
	filled time.Time
}

const (
	// advertsPerSecond are heard whatever they are about, for a LAN may have other virtual routers.
	advertsPerSecond = 2000
	// advertsPerInstance are heard beside them for each instance: those of two masters at 10 ms, the fastest that there is.
	advertsPerInstance = 200
	// advertsAtOnce is more than a socket holds: what waits after a standstill is no flood.
	advertsAtOnce = 8192
	// floodPause is how long an interface is not heard when it has had its share.
	floodPause = 20 * time.Millisecond
)

// take tells whether one more may be heard.
func (b *bucket) take(now time.Time, instances int) bool {
	rate := float64(advertsPerSecond + instances*advertsPerInstance)
	if b.filled.IsZero() {
		b.tokens = advertsAtOnce
	} else if passed := now.Sub(b.filled); passed > 0 {
		b.tokens = min(advertsAtOnce, b.tokens+passed.Seconds()*rate)
	}
	b.filled = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// lose counts adverts on an interface that nobody has looked at.
func (e *elections) lose(ifname string, count uint64) {
	for key, r := range e.routers {
		if key.ifname == ifname {
			r.lose(count)
		}
	}
}

func (r *router) lose(count uint64) {
	first := false
	r.update(func(s *routerStatus) {
		first = s.dropped[dropFlood] == 0
		s.dropped[dropFlood] += count
	})
	if first && count > 0 {
		r.log.Warn("a flood of adverts: most are not read; they are counted in drover status", "reason", dropFlood)
	}
}
