package ctrl

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"sync"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

// forwardingGrace is how long packets are still forwarded that stale neighbor tables send here after the node is no
// longer MASTER. It outlives the successor's second announcement, garp_master_delay (5 s) after the first.
const forwardingGrace = 10 * time.Second

// router runs one VRRP instance on a goroutine of its own: it owns the election, its sockets, the VIPs on the interface
// and the position of the gate. It waits for nobody.
type router struct {
	log      *slog.Logger
	data     *dataplane.DataPlane
	gate     dataplane.GateID
	announce func(ifname string, vip netip.Addr) error
	changed  func() // called after each transition; must not wait

	mail    *mailbox
	packets chan netif.Packet
	done    chan struct{} // closed when run has ended

	// The rest belongs to run.
	instance   config.Instance
	machine    *vrrp.Machine
	begun      bool // Start or Adopt was handled
	conn       *netif.VRRPConn
	usable     map[string]bool // the interfaces that a fault depends on
	holds      map[netip.Addr]config.VirtualAddress
	complaints complaints
	leaving    time.Time // not zero once stopped as MASTER: when to stop waiting for the successor

	mu       sync.Mutex
	snapshot routerStatus
}

// routerStatus is what others may know of a router.
type routerStatus struct {
	state          vrrp.State
	since          time.Time
	reason         string
	sent, received uint64
	dropped        map[vrrp.DropReason]uint64
}

func newRouter(i config.Instance, gate dataplane.GateID, data *dataplane.DataPlane, log *slog.Logger) *router {
	now := time.Now()
	log = log.With("instance", i.Name, "interface", i.Interface, "vrid", i.VirtualRouterID)
	return &router{
		log: log, data: data, gate: gate, instance: i,
		mail: newMailbox(), packets: make(chan netif.Packet, 256), done: make(chan struct{}),
		usable: make(map[string]bool), holds: make(map[netip.Addr]config.VirtualAddress), complaints: make(complaints),
		snapshot: routerStatus{since: now, dropped: noDrops()},
	}
}

// noDrops has every reason with a count of zero, so that a counter is there before it first counts.
func noDrops() map[vrrp.DropReason]uint64 {
	counts := make(map[vrrp.DropReason]uint64)
	for _, reason := range vrrp.DropReasons() {
		counts[reason] = 0
	}
	return counts
}

// run elects until stop or until ctx ends; the latter leaves everything as a crash would.
func (r *router) run(ctx context.Context) {
	defer close(r.done)
	defer r.closeConn()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case p := <-r.packets:
			r.receive(p)
		case <-r.mail.ready:
			for _, do := range r.mail.take() {
				do()
			}
		case <-timer.C:
			r.receiveWaiting()
			r.handle(vrrp.Tick{})
		}
		if r.left() {
			return
		}
		timer.Reset(time.Until(r.deadline()))
	}
}

func (r *router) deadline() time.Time {
	const idle = time.Minute
	next := time.Now().Add(idle)
	if r.machine != nil {
		if d := r.machine.Deadline(); !d.IsZero() && d.Before(next) {
			next = d
		}
	}
	if !r.leaving.IsZero() && r.leaving.Before(next) {
		next = r.leaving
	}
	return next
}

// receiveWaiting hears what waits before time is told to have passed: a daemon that slept must not take over from a
// master whose adverts lie in its queue.
func (r *router) receiveWaiting() {
	for {
		select {
		case p := <-r.packets:
			r.receive(p)
		default:
			return
		}
	}
}

func (r *router) receive(p netif.Packet) {
	id, ok := vrrp.VirtualRouterID(p.Payload)
	if !ok || id != r.instance.VirtualRouterID {
		return
	}
	if !r.leaving.IsZero() {
		if advert, err := vrrp.Parse(p.Payload); err == nil && advert.Priority != vrrp.PriorityStopped {
			r.leaving = time.Now().Add(successorAnnounces)
		}
		return
	}
	r.update(func(s *routerStatus) { s.received++ })
	r.handle(vrrp.Received{Datagram: vrrp.Datagram{Source: p.Source, TTL: p.TTL, Payload: p.Payload}})
}

// handle tells the machine an event and does what it asks for.
func (r *router) handle(event vrrp.Event) {
	if r.machine == nil {
		return
	}
	for _, action := range r.machine.Handle(time.Now(), event) {
		r.do(action)
	}
}

const (
	// successorDeadline is how long a MASTER that stops goes on forwarding while no successor is heard: Skew_Time is
	// below 1 s.
	successorDeadline = 1200 * time.Millisecond
	// successorAnnounces is the time that a successor has from its first advert to reach the LAN's neighbor tables.
	successorAnnounces = 100 * time.Millisecond
)

// stop says goodbye. The gate's grace carries the packets that still arrive; run ends when a successor has announced
// itself, or after a second without one.
func (r *router) stop() {
	r.mail.put(func() {
		wasMaster := r.machine != nil && r.machine.State() == vrrp.Master
		r.handle(vrrp.Stop{})
		r.leaving = time.Now()
		if wasMaster {
			r.leaving = r.leaving.Add(successorDeadline)
		}
	})
}

func (r *router) left() bool { return !r.leaving.IsZero() && !time.Now().Before(r.leaving) }

// reconfigure goes on with other settings; interface and virtual router id are the same.
func (r *router) reconfigure(i config.Instance) {
	r.mail.put(func() {
		old := r.instance
		r.instance = i
		r.followInterfaces()
		if old.SourceAddress != i.SourceAddress {
			r.closeConn()
		}
		r.openConn()
		if r.machine == nil {
			return
		}
		r.handle(vrrp.Reconfigure{Settings: r.settings()})
		r.moveAddresses()
		r.handle(r.linkEvent())
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
	s := r.snapshot
	s.dropped = maps.Clone(s.dropped)
	return s
}

// settings are the instance's, in the terms of the election.
func (r *router) settings() vrrp.Settings {
	i := r.instance
	s := vrrp.DefaultSettings()
	s.Name, s.VirtualRouterID, s.Priority, s.AdvertInterval = i.Name, i.VirtualRouterID, i.Priority, i.AdvertInterval
	if i.AuthType == config.AuthPass {
		s.AuthType, s.Password = vrrp.AuthPass, i.AuthPass
	}
	for _, a := range i.Addresses {
		s.Addresses = append(s.Addresses, a.Prefix.Addr())
	}
	for _, a := range i.ExcludedAddresses {
		s.ExcludedAddresses = append(s.ExcludedAddresses, a.Prefix.Addr())
	}
	if r.conn != nil {
		s.SourceAddress = r.conn.Source()
	}
	s.StartState = vrrp.Backup
	if i.State == config.Master {
		s.StartState = vrrp.Master
	}
	s.Preempt, s.PreemptDelay = i.Preempt, i.PreemptDelay
	s.GARP = vrrp.GARP{
		MasterRepeat: i.GARP.MasterRepeat, MasterDelay: i.GARP.MasterDelay,
		MasterRefresh: i.GARP.MasterRefresh, MasterRefreshRepeat: i.GARP.MasterRefreshRepeat,
		LowerPrioDelay: i.GARP.LowerPrioDelay, LowerPrioRepeat: i.GARP.LowerPrioRepeat,
	}
	s.LowerPrioNoAdvert, s.HigherPrioSendAdvert = i.LowerPrioNoAdvert, i.HigherPrioSendAdvert
	s.DownTimerAdverts, s.SkipCheckAdvAddr = i.DownTimerAdverts, i.SkipCheckAdvAddr
	return s
}
