package ctrl

import "time"

// pacer keeps announcements on one LAN apart.
type pacer struct {
	waiting []announcement
	free    time.Time // when the next one may be made
}

func (p *pacer) put(one announcement) { p.waiting = append(p.waiting, one) }

// take returns those that may be made now, so many at most, in the order in which they came.
func (p *pacer) take(now time.Time, interval time.Duration, most int) (due []announcement) {
	for len(p.waiting) > 0 && !now.Before(p.free) && len(due) < most {
		due, p.waiting = append(due, p.waiting[0]), p.waiting[1:]
		p.free = now.Add(interval)
	}
	return due
}

// next is when take has something; zero when nothing waits.
func (p *pacer) next() time.Time {
	switch {
	case len(p.waiting) == 0:
		return time.Time{}
	case p.free.IsZero():
		return time.Unix(0, 0) // the first one, at once
	default:
		return p.free
	}
}
