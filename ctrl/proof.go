package ctrl

import (
	"slices"
	"time"
)

// proof is what shows that what this host asks through a VIP is answered: that real servers have answered rightly. It is
// kept for all who are asked the same through one VIP by one interface. A failure is a real server's own when another one
// has passed after it, for then the way is in order; it stays so until the real server passes. While none has, it may be
// this host that loses the answers of all. Who has passed last of all is therefore never down for it.
//
// It is pure and has a single owner.
type proof struct {
	askers  map[checkKey]*asker
	last    time.Time // when one has last passed
	hopeful int       // askers that have not failed lastly
	called  time.Time // when some were last called for
}

// asker is one check that goes through the VIP.
type asker struct {
	failed bool      // lastly
	own    bool      // and that is known to be its own failure
	called time.Time // when it was last called for
	call   func()    // has it be made at once
}

// showing is what a proof says about the time since a failure.
type showing int

const (
	unshown showing = iota // nobody has passed, and nobody is left who may
	open                   // somebody may yet
	shown                  // somebody has passed
)

const (
	// callInterval is the least time between two calls for answers, and mostCalls are how many are called each time: so a
	// check that fails costs the others little, whatever their number.
	callInterval = 100 * time.Millisecond
	mostCalls    = 2
)

// join adds a check. Nothing is known of it.
func (p *proof) join(key checkKey, call func()) {
	p.askers[key] = &asker{call: call}
	p.hopeful++
}

// leave takes a check away, and tells whether that may be news for those who wait.
func (p *proof) leave(key checkKey) (news bool) {
	a := p.askers[key]
	if a == nil {
		return false
	}
	delete(p.askers, key)
	if !a.failed {
		p.hopeful--
	}
	return p.hopeful == 0
}

// hear notes how a check has ended, and tells whether that may be news for those who wait.
func (p *proof) hear(key checkKey, passed bool, at time.Time) (news bool) {
	a := p.askers[key]
	if a == nil { // it has been stopped meanwhile
		return false
	}
	if a.failed == passed { // it was the other way round
		a.failed = !passed
		if passed {
			p.hopeful++
		} else {
			p.hopeful--
		}
	}
	if passed {
		a.own = false
		p.last = at
	}
	return passed || p.hopeful == 0
}

// since says what is shown since a check has failed.
func (p *proof) since(key checkKey, failure time.Time) showing {
	a := p.askers[key]
	switch {
	case a == nil:
		return unshown
	case a.own:
		return shown
	case !p.last.IsZero() && !p.last.Before(failure):
		a.own = true
		return shown
	case p.hopeful > 0:
		return open
	default:
		return unshown
	}
}

// call says whose checks to make at once, for somebody waits for an answer: those who were called longest ago.
func (p *proof) call(now time.Time) (calls []func()) {
	if now.Sub(p.called) < callInterval {
		return nil
	}
	p.called = now
	var next []*asker
	for _, a := range p.askers {
		if !a.failed {
			next = append(next, a)
		}
	}
	slices.SortFunc(next, func(a, b *asker) int { return a.called.Compare(b.called) })
	for _, a := range next[:min(len(next), mostCalls)] {
		a.called = now
		calls = append(calls, a.call)
	}
	return calls
}

// ruling is what both ways to a real server say together.
type ruling int

const (
	serves  ruling = iota // it serves clients, as far as can be told
	doubted               // it answers at its own address alone, and it may be this host that does not hear it through the VIP
	fails                 // it does not serve clients
	unasked               // nothing was learned
)

// outcome is how one way was answered.
type outcome int

const (
	notAsked outcome = iota // nothing was learned of the real server
	refused                 // any failure
	answered
)

// rule says what follows from the answers through the VIP and at the own address, and from whether the way was shown to be
// in order since. The VIP's answer alone would do if it passes, so the address may not have been asked then.
func rule(through, own outcome, since showing) ruling {
	switch {
	case through == answered:
		return serves
	case through == notAsked:
		return [...]ruling{notAsked: unasked, refused: fails, answered: serves}[own]
	case own == refused, since == shown:
		return fails
	case own == answered:
		return doubted
	default:
		return unasked
	}
}

// passageKey tells apart what a proof is for.
type passageKey struct {
	via      via // without the real server
	port     uint16
	question string
	page     int // of a check that asks several
}

func passageOf(s checkSpec, key checkKey, page int) passageKey {
	return passageKey{via{vip: s.via.vip, ifname: s.via.ifname}, s.socket.To.Port(), key.question, page}
}
