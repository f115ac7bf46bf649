package ctrl

import "time"

// pacer keeps announcements on one LAN apart, those of IPv4 and those of IPv6 each for themselves.
type pacer struct {
	waiting []announcement // in the order in which they came
	// free4 and free6 are when the next one of an IP version may be made.
	free4, free6 time.Time
}

func (p *pacer) put(one announcement) { p.waiting = append(p.waiting, one) }

func (p *pacer) freeFor(one announcement) *time.Time {
	if one.vip.Is6() {
		return &p.free6
	}
	return &p.free4
}

// take returns those that may be made now, so many at most, in the order in which they came. interval4 and interval6 are from
// one to the next.
func (p *pacer) take(now time.Time, interval4, interval6 time.Duration, most int) (due []announcement) {
	var later []announcement
	for i, one := range p.waiting {
		if len(due) == most || now.Before(p.free4) && now.Before(p.free6) {
			later = append(later, p.waiting[i:]...)
			break
		}
		free := p.freeFor(one)
		if now.Before(*free) {
			later = append(later, one)
			continue
		}
		due = append(due, one)
		*free = now.Add(interval4)
		if one.vip.Is6() {
			*free = now.Add(interval6)
		}
	}
	p.waiting = later
	return due
}

// next is when take has something; zero when nothing waits.
func (p *pacer) next() (next time.Time) {
	for _, one := range p.waiting {
		free := *p.freeFor(one)
		if free.IsZero() {
			free = time.Unix(0, 0) // the first one, at once
		}
		next = sooner(next, free)
	}
	return next
}
