package ctrl

import (
	"context"
	"net/netip"
	"sync/atomic"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/health"
)

// A check that fails through the VIP is also asked at the real server's own address: the two answers together tell what is
// wrong, and what ends it. That is asked once the check has failed and every insightInterval as long as it does, a few at a
// time, so that it is no load to speak of.
const (
	insightInterval = 30 * time.Second
	mostInsights    = 8
)

// insight is what a real server says at its own address while a check through the VIP fails.
type insight struct {
	at        time.Time // zero before it was asked
	reason    string    // why it fails there, too; empty if it passes
	diagnosis health.Diagnosis
}

// passes tells whether it was asked, and passes.
func (i insight) passes() bool { return !i.at.IsZero() && i.reason == "" }

// watched notes how the last probe failed.
func watched(probes []health.Probe, last *atomic.Int64) []health.Probe {
	list := make([]health.Probe, len(probes))
	for i, probe := range probes {
		list[i] = func(ctx context.Context, target health.Target) health.Answer {
			answer := probe(ctx, target)
			last.Store(int64(health.FailureOf(answer.Err)))
			return answer
		}
	}
	return list
}

// insights asks real servers at their own addresses.
type insights struct {
	asking map[checkKey]bool // and not answered yet
	// told is called on another goroutine with what was found; it must not wait.
	told func(checkKey, insight)
}

// want has a check that fails through the VIP asked at the real server's own address, unless too many are asked already.
func (w *insights) want(key checkKey, check runningCheck, p *probing) error {
	if w.asking[key] || len(w.asking) >= mostInsights {
		return nil
	}
	own := check.spec
	own.via = via{}
	probes, err := p.probesOf(own)
	if err != nil {
		return err
	}
	ping, err := p.pingOf(check.spec)
	if err != nil {
		return err
	}
	w.asking[key] = true
	through := health.Failure(check.failure.Load())
	go func() {
		var failed error
		for _, probe := range probes {
			if failed = probe(check.ctx, targetOf(own)).Err; failed != nil {
				break
			}
		}
		found := insight{at: time.Now()}
		if failed != nil {
			found.reason = failed.Error()
		} else if through == health.Silent {
			through = through.Pinged(ping(check.ctx, targetOf(check.spec)).Err == nil)
		}
		found.diagnosis = health.Diagnose(health.FailureOf(failed), through, serviceOf(check.spec), asksByDatagram(check.spec))
		w.told(key, found)
	}()
	return nil
}

// serviceOf is the VIP and the port that a check asks.
func serviceOf(s checkSpec) netip.AddrPort { return netip.AddrPortFrom(s.via.vip, s.socket.To.Port()) }

func asksByDatagram(s checkSpec) bool {
	switch s.question.(type) {
	case *config.UDPCheck, *config.DNSCheck:
		return true
	default:
		return false
	}
}

// seek asks for what is not known, or not lately, of checks that fail through VIPs.
func (c *Controller) seek() {
	for key, running := range c.checkers.running {
		held := c.known.checks[key]
		if running.spec.via == (via{}) || running.spec.bothWays() || held == nil || !held.told || held.up || time.Since(held.beside().at) < insightInterval {
			continue
		}
		if err := c.insights.want(key, running, c.probing); err != nil {
			c.log.Error("a real server cannot be asked at its own address", "error", err) // validChecks has tried: not to be met
		}
	}
}

// onSight notes what a check that goes both ways has seen.
func (c *Controller) onSight(key checkKey, seen sight) {
	c.post(func() {
		if held := c.known.checks[key]; held != nil {
			held.sight = seen
			c.surveys = true
		}
	})
}

// onInsight notes what a real server has said at its own address.
func (c *Controller) onInsight(key checkKey, found insight) {
	c.post(func() {
		delete(c.insights.asking, key)
		if held := c.known.checks[key]; held != nil && held.told && !held.up {
			held.insight = &found
			c.surveys = true
		}
		c.seek() // others may have waited for their turn
	})
}
