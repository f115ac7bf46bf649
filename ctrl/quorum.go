package ctrl

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/notify"
	"drover/dataplane"
)

// life is what was last told of a real server. Scripts, FIFOs and the log hear of what is another than that.
type life struct {
	looked  bool // it was looked at
	begun   bool // it is known how it stands
	alive   bool // it counts for the quorum
	refused bool // it was told that it is down
}

// quorum is how a virtual server stands.
type quorum struct {
	begun  bool // scripts were told
	up     bool
	weight int // of the real servers that are alive
}

// serverNews is a change of a real server, or of a virtual server if member is nil.
type serverNews struct {
	pool   *pool
	member *member
	up     bool
	first  bool // and nothing was known before
	reason string
}

// event is what scripts and FIFOs are told.
func (n serverNews) event() notify.Event {
	e := notify.Event{Subject: n.pool.key.subject(netip.AddrPort{}), State: notify.Down}
	if n.member != nil {
		e.Subject = n.pool.key.subject(n.member.address)
	}
	if n.up {
		e.State = notify.Up
	}
	return e
}

// subject names a real server by its address, or with none the virtual server itself, as keepalived does for scripts and
// FIFOs.
func (k poolKey) subject(real netip.AddrPort) notify.Subject {
	protocol := strings.ToLower(k.service.Protocol.String())
	trio := func(a netip.AddrPort) string { return fmt.Sprintf("[%s]:%s:%d", a.Addr(), protocol, a.Port()) }
	name := trio(k.service.Address)
	if k.group != "" {
		name = fmt.Sprintf("[%s]:%d", k.group, k.number)
	}
	if !real.IsValid() {
		return notify.Subject{Kind: notify.VirtualServer, Name: name}
	}
	return notify.Subject{Kind: notify.RealServer, Name: trio(real) + " " + name}
}

// hasQuorum tells whether a virtual server has its quorum, that had it or not before: it takes hysteresis more than the
// quorum to gain it, and less than hysteresis below it to lose it. Without any weight there is none to keep. This is the
// rule of keepalived's update_quorum_state.
func hasQuorum(v *config.VirtualServer, had bool, weight int) bool {
	if had {
		return weight > 0 && weight >= v.Quorum-v.Hysteresis
	}
	return weight >= v.Quorum+v.Hysteresis
}

// assess looks at all real servers and says what has become known since it was last called. pending tells whether some
// are still waited for: they count as alive until they have had time to answer.
func (k *known) assess(now time.Time) (all []serverNews, pending bool) {
	for _, p := range k.roster.pools {
		weight := 0
		for i := range p.members {
			m := &p.members[i]
			if m.sorryOnly {
				continue
			}
			alive, waits := m.alive(now)
			pending = pending || waits
			if alive {
				weight += m.weight()
			}
			if begun := m.life.begun; !waits && m.life.follow(alive, !alive && m.refused(), k.config.RsInitNotifies) {
				all = append(all, serverNews{p, m, alive, !begun, m.standing().reason})
			}
		}
		if begun := p.quorum.begun; p.quorum.follow(p.config, weight, p.sorry >= 0) {
			all = append(all, serverNews{pool: p, up: p.quorum.up, first: !begun})
		}
	}
	return all, pending
}

// follow takes in how a real server stands and tells whether that is news: a change, and the first failure of one that
// began as down (alpha), but that one is up from the beginning only with initial (rs_init_notifies). refused tells
// whether something says that it is down, and not only nothing that it is up.
func (l *life) follow(alive, refused, initial bool) bool {
	before := *l
	l.begun, l.alive, l.refused = true, alive, !alive && (refused || before.alive || before.refused)
	switch {
	case alive && before.begun:
		return !before.alive
	case alive:
		return initial
	default:
		return l.refused && !before.refused
	}
}

// follow takes in the weight that is alive and tells whether the quorum is gained or lost. At the start it is gained; not
// to have it then is news only where a sorry server must be taken for it.
func (q *quorum) follow(v *config.VirtualServer, weight int, sorry bool) bool {
	before := *q
	q.begun, q.weight, q.up = true, weight, hasQuorum(v, before.up, weight)
	return q.up != before.up || !before.begun && !q.up && sorry
}

// apologizes tells whether the sorry server gets the connections: there is no quorum, and it answers. While it does not,
// the real servers that are left are better than none.
func (p *pool) apologizes() bool {
	return p.sorry >= 0 && !p.quorum.up && p.members[p.sorry].position().state == dataplane.RealUp
}

// serves is where a member stands, the sorry server and the real servers in each other's place counting as down: so
// their TCP connections go on, and datagrams go to who serves now.
func (p *pool) serves(i int, apologizes bool) position {
	at := p.members[i].position()
	if at.state == dataplane.RealUp && (apologizes && i != p.sorry || !apologizes && p.members[i].sorryOnly) {
		at.state = dataplane.RealDown
	}
	return at
}

// farewell is what is told in the end, of the virtual servers that want it (omega): each real server that is alive goes
// down, and then the quorum.
func (r *roster) farewell() []serverNews {
	var all []serverNews
	for _, p := range r.pools {
		if p.config.Omega {
			all = append(all, p.lastNews("the daemon ends")...)
			all = append(all, serverNews{pool: p})
		}
	}
	return all
}

// lastNews are those of real servers that are alive, and now go for some reason.
func (p *pool) lastNews(reason string) []serverNews {
	var all []serverNews
	for i := range p.members {
		if m := &p.members[i]; m.life.begun && m.life.alive {
			all = append(all, serverNews{pool: p, member: m, reason: reason})
		}
	}
	return all
}
