package config

import "time"

// maxSlowStart is the longest slow start, in seconds: a day.
const maxSlowStart = 24 * 60 * 60

// slowStartKeywords are Drover's own: keepalived logs them as unknown when it
// starts, and goes on.
func slowStartKeywords() map[string]keyword[serverDraft] {
	return map[string]keyword[serverDraft]{
		"slow_start": at(func(v *serverDraft) *Position { return &v.slowStartAt }, keyword[serverDraft]{
			min: 1, max: 1, needs: "a number of seconds", read: func(p *parser, s *statement, into *serverDraft) {
				if n, ok := p.integer("slow_start", s.args()[0], 0, maxSlowStart); ok {
					into.SlowStart = time.Duration(n) * time.Second
				}
			},
		}),
	}
}

// completeSlowStart finds schedulers that know no shares.
func (p *parser) completeSlowStart(v *serverDraft) {
	switch v.Scheduler {
	case "sh", "mh", "dh":
		v.withoutSlowStart(p, "a client's hash says where it goes")
	case "fo":
		v.withoutSlowStart(p, "one real server takes all")
	}
}

func (v *serverDraft) withoutSlowStart(p *parser, why string) {
	if v.SlowStart > 0 {
		v.SlowStart = 0
		p.warnf(v.slowStartAt, "slow_start has no effect with lb_algo %s: %s", v.Scheduler, why)
	}
}
