package ctrl

import (
	"context"
	"errors"
	"time"

	"drover/ctrl/health"
)

// bothWays asks a real server through a VIP, and at its own address whenever that fails, or has not answered soon
// (check_path auto). While all is well that is one question, as with any other path.
type bothWays struct {
	key      checkKey
	pages    []bothPages
	timeout  time.Duration // of a step of the check
	ready    func() error  // nil if there is a way through the VIP
	own, via health.Target
	ping     health.Probe // of the VIP
	diagnose func(own, through health.Failure) health.Diagnosis
	// saw is told what both ways say whenever it changes; on the goroutine of the check, and it must not wait.
	saw func(sight)

	last    sight // that was told
	watched bool  // the address is to be asked at once, too, for the VIP did not answer last time
}

// bothWays makes a check, with the probes of the way through the VIP, that goes both ways.
func (c *checkers) bothWays(key checkKey, spec checkSpec, through []health.Probe) (*bothWays, error) {
	alone := spec
	alone.via = via{}
	own, err := c.probing.probesOf(alone)
	if err != nil {
		return nil, err
	}
	ping, err := c.probing.pingOf(spec)
	if err != nil {
		return nil, err
	}
	b := &bothWays{
		ping: ping, key: key, timeout: spec.times.ConnectTimeout, own: targetOf(alone), via: targetOf(spec),
		ready: func() error { return c.probing.through(spec.via).ready(spec.via.vip) },
		diagnose: func(own, through health.Failure) health.Diagnosis {
			return health.Diagnose(own, through, serviceOf(spec), asksByDatagram(spec))
		},
		saw: func(seen sight) { c.saw(key, seen) },
	}
	for i := range through {
		by := passageOf(spec, key, i)
		if c.passages[by] == nil {
			c.passages[by] = newPassage()
		}
		b.pages = append(b.pages, bothPages{through: through[i], own: own[i], by: by, passage: c.passages[by]})
	}
	return b, nil
}

// join has a check that goes both ways show, and be shown, what is the matter with its passages.
func (c *checkers) join(check runningCheck) {
	if check.both == nil {
		return
	}
	for _, page := range check.both.pages {
		page.passage.join(check.both.key, check.checker.Nudge)
	}
}

func (c *checkers) leave(check runningCheck) {
	if check.both == nil {
		return
	}
	for _, page := range check.both.pages {
		if page.passage.leave(check.both.key) {
			delete(c.passages, page.by)
		}
	}
}

// bothPages is one of the probes of the check.
type bothPages struct {
	through, own health.Probe
	by           passageKey
	passage      *passage
	sight        sight
}

// sight is what both ways say while that through the VIP fails; zero while it does not.
type sight struct {
	ruling  ruling
	through string    // why the check fails through the VIP
	proven  time.Time // when anybody has last passed so; zero for never
	insight insight   // what the real server says at its own address
}

// same tells whether nothing is new but times.
func (s sight) same(other sight) bool {
	s.insight.at, s.proven = other.insight.at, other.proven
	return s == other
}

const (
	// soon is how long an answer through the VIP may take before the address is asked as well, as a part of the timeout,
	// and at most. It adds to the time in which a dead real server is found, once.
	soonPart = 16
	soonMost = 100 * time.Millisecond
	// showTimeouts is how many timeouts it is waited for others to show that a failure is the real server's own.
	showTimeouts = 2
)

// probes are those of the check.
func (b *bothWays) probes() []health.Probe {
	list := make([]health.Probe, len(b.pages))
	for i := range b.pages {
		list[i] = func(ctx context.Context, _ health.Target) health.Answer { return b.ask(ctx, &b.pages[i]) }
	}
	return list
}

func (b *bothWays) ask(ctx context.Context, page *bothPages) health.Answer {
	if b.ready() != nil { // which is told elsewhere
		b.forget()
		return page.own(ctx, b.own)
	}
	second := b.second(ctx, page)
	defer second.end()
	through := page.through(ctx, b.via)
	at := time.Now()
	if ctx.Err() != nil {
		return through
	}
	b.watched = through.Err != nil
	page.passage.hear(b.key, through.Err == nil, at)
	if through.Err == nil {
		b.see(page, sight{})
		return through
	}
	own := second.answer()
	said := open
	if outcomeOf(through) == refused && outcomeOf(own) != refused {
		said = page.passage.since(ctx, b.key, at, showTimeouts*b.timeout)
	}
	if ctx.Err() != nil {
		return through
	}
	return b.conclude(page, through, own, said, health.FailureOf(through.Err).Pinged(second.isPinged()))
}

// conclude tells of both answers, of which that through the VIP is a failure, and returns the one that counts.
func (b *bothWays) conclude(page *bothPages, through, own health.Answer, since showing, failure health.Failure) health.Answer {
	ruled := rule(outcomeOf(through), outcomeOf(own), since)
	if outcomeOf(through) == notAsked {
		b.see(page, sight{})
		return own
	}
	found := sight{ruling: ruled, through: through.Err.Error(), proven: page.passage.lastPass(), insight: insight{at: time.Now()}}
	if own.Err != nil {
		found.insight.reason = own.Err.Error()
	}
	found.insight.diagnosis = b.diagnose(health.FailureOf(own.Err), failure)
	b.see(page, found)
	if ruled == fails {
		return through
	}
	return own
}

// forget is for when there is no way through the VIP any more: nothing is seen of it, or shown by it.
func (b *bothWays) forget() {
	for i := range b.pages {
		b.pages[i].passage.hear(b.key, false, time.Now())
		b.pages[i].sight = sight{}
	}
	b.see(&b.pages[0], sight{})
}

// see tells of what is news.
func (b *bothWays) see(page *bothPages, found sight) {
	page.sight = found
	for i := range b.pages {
		if b.pages[i].sight.ruling != serves {
			found = b.pages[i].sight
			break
		}
	}
	if !found.same(b.last) {
		b.last = found
		b.saw(found)
	}
}

func outcomeOf(a health.Answer) outcome {
	switch {
	case a.Err == nil:
		return answered
	case errors.Is(a.Err, health.ErrNotAsked):
		return notAsked
	default:
		return refused
	}
}

// secondAsk is a question to the address that waits for its time, beside that through the VIP.
type secondAsk struct {
	cancel context.CancelFunc
	timer  *time.Timer
	ask    func() health.Answer
	begun  chan health.Answer // its answer, if the timer has begun it
	pinged chan bool          // whether the VIP answers a ping, which is sent with it
}

// second has the address asked soon; at once if the VIP did not answer last time.
func (b *bothWays) second(ctx context.Context, page *bothPages) *secondAsk {
	ctx, cancel := context.WithCancel(ctx)
	s := &secondAsk{cancel: cancel, begun: make(chan health.Answer, 1), pinged: make(chan bool, 1)}
	s.ask = func() health.Answer { return page.own(ctx, b.own) }
	wait := min(b.timeout/soonPart, soonMost)
	if b.watched {
		wait = 0
	}
	s.timer = time.AfterFunc(wait, func() {
		go func() { s.pinged <- b.ping(ctx, b.via).Err == nil }()
		s.begun <- s.ask()
	})
	return s
}

// answer waits for the answer, and asks if that was not begun.
func (s *secondAsk) answer() health.Answer {
	if s.timer.Stop() {
		return s.ask()
	}
	return <-s.begun
}

// isPinged tells whether the VIP has answered the ping by now. A check that ended in silence has left it the time.
func (s *secondAsk) isPinged() bool {
	select {
	case answered := <-s.pinged:
		return answered
	default:
		return false
	}
}

// end is for when its answer is not wanted any more.
func (s *secondAsk) end() {
	s.timer.Stop()
	s.cancel()
}
