package ctrl

import (
	"time"

	"drover/ctrl/config"
	"drover/ctrl/suspect"
	"drover/dataplane"
)

// handshakes are how those with all real servers went, by id, when they were read last, and the time before that.
type handshakes struct {
	now, before []dataplane.Handshakes
	servers     []suspect.Server // of one pool, kept for its memory
}

const (
	// idleWatch is how often a virtual server to watch is looked for while there is none.
	idleWatch = time.Second
	// watchShare bounds what watching takes of a CPU when very many are watched: one part in so many.
	watchShare = 50
)

// watchHandshakes looks for real servers whose clients get no answer any more, and says when to look again.
func (c *Controller) watchHandshakes(begun time.Time) (again time.Duration) {
	watched := false
	if r := c.known.roster; r.numbered && !c.stale {
		err := c.readHandshakes()
		c.tell.about("real servers that do not answer clients are not seen", err)
		for n, p := range r.pools {
			if err == nil && p.isWatched() {
				watched = true
				c.heed(p, c.handshakes.observe(p, &c.planner.parts[n], begun, c.lastPass))
			}
		}
	}
	if !watched {
		return idleWatch
	}
	return max(suspect.Interval, watchShare*time.Since(begun))
}

// isWatched tells whether a virtual server has handshakes, and real servers to compare.
func (p *pool) isWatched() bool { return p.config.Protocol == config.TCP && len(p.members) > 1 }

func (c *Controller) readHandshakes() error {
	h := &c.handshakes
	counts, err := c.data.Handshakes(len(c.planner.tables.Reals), h.before)
	if err != nil {
		return err
	}
	h.before, h.now = h.now, counts
	return nil
}

// observe has the watch of a pool take in what was counted since it was planned. lastPass says when the check of a real
// server passed last.
func (h *handshakes) observe(p *pool, planned *part, now time.Time, lastPass func(*member) time.Time) []suspect.Change {
	if p.watch == nil {
		p.watch = suspect.New(len(p.members))
	}
	var waited time.Duration
	h.servers = append(h.servers[:0], make([]suspect.Server, len(p.members))...)
	for i := range p.members {
		m, server := &p.members[i], &h.servers[i]
		server.Usable = planned.positions[i].state == dataplane.RealUp && planned.own[i] > 0
		if m.rating.suspicion != "" {
			server.Passed = lastPass(m)
		}
		for s := range p.services {
			id := int(p.id(s, i))
			counts := h.now[id]
			server.Opened += counts.Opened
			server.Completed += counts.Completed
			if id < len(h.before) {
				waited += counts.WaitedSince(h.before[id])
			}
		}
	}
	return p.watch.Observe(now, h.servers, waited)
}

// lastPass is since when all checks of a real server have passed anew, if that was the last that they did; zero otherwise.
func (c *Controller) lastPass(m *member) time.Time {
	var first time.Time
	for _, check := range m.checks {
		passed := c.checkers.lastPass(check.key)
		if passed.IsZero() {
			return passed
		}
		if first.IsZero() || passed.Before(first) {
			first = passed
		}
	}
	return first
}

// heed acts on what a watch has found out.
func (c *Controller) heed(p *pool, changes []suspect.Change) {
	for _, change := range changes {
		m := &p.members[change.Server]
		m.rating.suspicion = ""
		c.stale = true
		if !change.Suspected {
			c.log.Info("real server is suspected no more", "real_server", m.address, "virtual_server", p.services[0],
				"reason", change.Reason)
			continue
		}
		m.rating.suspicion = change.Reason
		c.log.Warn("real server is suspected", "real_server", m.address, "virtual_server", p.services[0],
			"reason", change.Reason)
		for _, check := range m.checks {
			c.checkers.nudge(check.key)
		}
	}
}
