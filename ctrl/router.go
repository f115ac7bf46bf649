package ctrl

import (
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/ctrl/notify"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

// forwardingGrace is how long packets are still forwarded that stale neighbor tables send here after the node is no
// longer MASTER. It outlives the successor's second announcement, garp_master_delay (5 s) after the first.
const forwardingGrace = 10 * time.Second

// gates is what the elections need of the data plane.
type gates interface {
	OpenGate(id dataplane.GateID, lease, grace time.Duration) error
	CloseGate(id dataplane.GateID, grace time.Duration) error
	Gate(id dataplane.GateID) (dataplane.GateState, error)
}

// router is one VRRP instance: its election, and the position of its gate.
type router struct {
	key       routerKey
	name      string
	log       *slog.Logger
	gates     gates
	gate      dataplane.GateID
	elections *elections
	ground    *ground
	// told is given what notify scripts hear of; changed is called after each transition; announce tells the LAN where VIPs
	// are. None may wait.
	told     func(notify.Event)
	changed  func()
	announce func([]announcement)
	born     time.Time
	done     chan struct{} // closed when all is done after stop

	// The rest belongs to the elections.
	instance   config.Instance
	machine    *vrrp.Machine
	group      *group // and which of its members this is
	member     int
	footing    footing
	fitness    fitness
	started    bool
	gone       bool // it has stopped
	stood      bool // its footing was told since it was started
	begun      bool // Start or Adopt was handled
	adoptable  bool // no lease was looked for yet
	deleted    bool // the configuration has it no more
	complaints complaints
	warned     complaints // of rivals
	leaving    time.Time  // not zero once stopped: when to stop waiting for the successor
	succeeded  bool       // the successor has been heard since
	// master is the MASTER that was heard last; masterUntil is when it is away if it is not heard again. yieldsUntil is the same while
	// this node leaves the role to it, see fitness.yield; else zero.
	master                   netip.Addr
	masterUntil, yieldsUntil time.Time

	mu       sync.Mutex
	snapshot routerStatus
}

// routerStatus is what others may know of a router.
type routerStatus struct {
	state, before  vrrp.State
	since          time.Time
	reason         string
	priority       uint8
	master         netip.Addr // whom a BACKUP listens to
	rivals         rivals
	late           lateness
	sent, received uint64
	dropped        map[vrrp.DropReason]uint64
}

func newRouter(i config.Instance, gate dataplane.GateID, e *elections, log *slog.Logger) *router {
	log = log.With("instance", i.Name, "interface", i.Interface, "vrid", i.VirtualRouterID)
	now := time.Now()
	r := &router{
		key: keyOfInstance(i), name: i.Name, log: log, gate: gate, elections: e, instance: i, born: now, done: make(chan struct{}),
		told: func(notify.Event) {}, changed: func() {}, announce: func([]announcement) {}, adoptable: true,
		complaints: make(complaints), warned: make(complaints),
		snapshot: newRouterStatus(i, now),
	}
	r.machine = vrrp.NewMachine(settingsOf(i, netip.Addr{}), now)
	return r
}

func newRouterStatus(i config.Instance, now time.Time) routerStatus {
	return routerStatus{
		since: now, reason: "starting", priority: i.Priority, dropped: noDrops(), rivals: make(rivals),
	}
}

// noDrops has every reason with a count of zero, so that a counter is there before it first counts.
func noDrops() map[vrrp.DropReason]uint64 {
	counts := map[vrrp.DropReason]uint64{dropFlood: 0}
	for _, reason := range vrrp.DropReasons() {
		counts[reason] = 0
	}
	return counts
}

// handle tells the machine an event and does what it, and those of its group, ask for.
func (r *router) handle(event vrrp.Event) (dropped bool) {
	if r.group == nil { // nothing comes of it before it starts
		r.machine.Handle(time.Now(), event)
		return false
	}
	return r.group.handle(time.Now(), r.member, event)
}

// receive hears an advert of the virtual router.
func (r *router) receive(p netif.Packet) {
	datagram := vrrp.Datagram{Source: p.Source, Destination: p.Destination, TTL: p.TTL, Payload: p.Payload}
	if !r.leaving.IsZero() {
		r.awaitSuccessor(datagram)
		return
	}
	r.update(func(s *routerStatus) { s.received++ })
	if dropped := r.handle(vrrp.Received{Datagram: datagram}); !dropped {
		r.noteMaster(datagram)
	}
}

// noteMaster remembers whom an advert came from that was listened to. In FAULT the machine listens to nobody; then the one
// that was MASTER before still is if it says so.
func (r *router) noteMaster(d vrrp.Datagram) {
	advert, drop := r.machine.Examine(d)
	state := r.machine.State()
	if drop != nil || state != vrrp.Backup && (state != vrrp.Faulty || d.Source != r.master) {
		return
	}
	r.master, r.masterUntil = netip.Addr{}, time.Time{}
	if advert.Priority != vrrp.PriorityStopped {
		r.master = d.Source
		r.masterUntil = time.Now().Add(time.Duration(r.instance.DownTimerAdverts) * max(advert.Interval, r.instance.AdvertInterval))
	}
	r.update(func(s *routerStatus) { s.master = r.master })
	if r.fitness.yield != "" {
		r.judge()
	}
}

// reconfigure goes on with other settings; interface, virtual router id and family are the same.
func (r *router) reconfigure(i config.Instance) {
	r.elections.post(func() {
		old := r.instance
		r.instance = i
		r.errand(func(g *ground) { g.follow(i) }) // before it is asked for new addresses
		r.handle(vrrp.Reconfigure{Settings: settingsOf(i, r.footing.source)})
		if old.UnicastFaultNoPeer != i.UnicastFaultNoPeer {
			r.judge()
		}
	})
}

func (r *router) update(change func(*routerStatus)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.snapshot)
}

func (r *router) status() routerStatus {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.snapshot.clone()
}

func (s routerStatus) clone() routerStatus {
	s.dropped, s.rivals = maps.Clone(s.dropped), maps.Clone(s.rivals)
	return s
}
