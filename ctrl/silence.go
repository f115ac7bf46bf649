package ctrl

import (
	"net/netip"
	"time"

	"drover/ctrl/config"
)

// silence is how long nothing at all has come in by an interface. A MASTER that hears nothing is perhaps cut off: then
// another node is MASTER where the clients are.
type silence struct {
	frames func() (uint64, error) // that have come in so far; nil if nobody can tell: then there is none
	last   uint64
	heard  time.Time // when it was last seen that something had come in
	looked time.Time
}

// lookPause is how often it is looked at most, however many instances ask.
const lookPause = 5 * time.Millisecond

// lasts is how long it has lasted.
func (s *silence) lasts(now time.Time) (time.Duration, error) {
	if s.frames == nil {
		return 0, nil
	}
	if now.Sub(s.looked) >= lookPause {
		frames, err := s.frames()
		if err != nil {
			return 0, err
		}
		if frames != s.last || s.heard.IsZero() {
			s.last, s.heard = frames, now
		}
		s.looked = now
	}
	return now.Sub(s.heard), nil
}

// doubt is that of a MASTER whether its clients know it. When a split heals, another MASTER that hears it first gives way
// without a word, if it is keepalived, and its clients stay with it; nothing tells this node that there was one. So while it
// hears nothing it announces its addresses with each advert: with the one, then, that makes the other give way.
type doubt struct {
	deaf bool
	said time.Time // when the addresses were last announced for it
}

const (
	// doubtPause is the least time between two announcements: clients are without service for no longer, at adverts that
	// come more often.
	doubtPause = 30 * time.Millisecond
	// doubtPerAddress keeps announcements of many addresses below a thousand a second.
	doubtPerAddress = time.Millisecond
)

// speaks tells whether the addresses are to be announced with an advert: while a silence lasts in which a backup may have
// taken over, and once more when it has ended.
func (d *doubt) speaks(now time.Time, silent time.Duration, i config.Instance, addresses int) bool {
	before := d.deaf
	// Half an interval is what an advert may be late. The last thing heard was up to an interval before it was seen.
	lease := time.Duration(i.DownTimerAdverts) * i.AdvertInterval
	d.deaf = silent >= lease-i.AdvertInterval/2
	if !d.deaf && !before || d.deaf && now.Sub(d.said) < max(doubtPause, time.Duration(addresses)*doubtPerAddress) {
		return false
	}
	d.said = now
	return true
}

// advertised follows each advert of a MASTER.
func (g *ground) advertised(now time.Time) {
	w := g.errands.wires[g.instance.Interface]
	if w == nil || len(g.holds) == 0 {
		return
	}
	silent, err := w.silence.lasts(now)
	if err != nil {
		g.complain("silence", "it is not known whether anything is heard", err)
		return
	}
	if !g.doubt.speaks(now, silent, g.instance, len(g.holds)) {
		return
	}
	var held []netip.Addr // in the order in which the machine has them announced
	for _, v := range virtualAddresses(g.instance) {
		if _, holds := g.holds[v.Prefix.Addr()]; holds {
			held = append(held, v.Prefix.Addr())
		}
	}
	g.announceAll(held, 1)
}
