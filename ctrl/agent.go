package ctrl

import (
	"context"
	"io"
	"log/slog"
	"runtime"
	"time"

	"drover/ctrl/netif"
)

// agent does what the controller orders, in the process of VRRP.
type agent struct {
	log       *slog.Logger
	gates     gates
	elections *elections
	errands   *errands
	announcer *announcer
	out       *outbox
	routers   map[candidateID]*elected
	left      chan candidateID // those that are done after a stop
	failed    chan error       // why the process cannot go on; nil when there are no more orders
	silence   int              // heartbeats without an order
}

const (
	// heartbeat is how often at least each of the two processes says that it is there.
	heartbeat = 250 * time.Millisecond
	// longSilence is how many heartbeats of the controller may be missed. The agent counts its own, so that a machine that
	// stood still for a while has missed one.
	longSilence = 20
)

// RunVRRP holds the elections of a Controller in another process, the one that Options.VRRP starts: orders come from one
// stream and news go to the other. It returns when the orders end, and leaves everything as a crash does: on its lease. An
// error says why it cannot go on.
//
// It is a process of its own because the threads of a Go process wait for each other: for a processor of the runtime, for
// its locks, for all to stop when garbage is collected. One of real-time priority among ordinary ones waits for those that
// the kernel keeps from a busy CPU, in the worst case while it spins and keeps them from it itself. Here all threads have
// that priority (vrrp_rt_priority), and few have anything to do.
func RunVRRP(ctx context.Context, log *slog.Logger, orders io.Reader, to io.Writer, gates gates) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	a := &agent{
		log: log, gates: gates, errands: newErrands(log), announcer: newAnnouncer(log), out: newOutbox(to),
		routers: make(map[candidateID]*elected), left: make(chan candidateID), failed: make(chan error, 6),
	}
	var err error
	if a.elections, err = newElections(a.errands); err != nil {
		return err
	}
	received := make(chan order)
	go func() {
		a.failed <- readMessages(orders, func(o order) {
			select {
			case received <- o:
			case <-ctx.Done():
			}
		})
	}()
	go func() { a.failed <- a.out.run(ctx, heartbeat, news{}) }()
	return a.run(ctx, received)
}

func (a *agent) run(ctx context.Context, orders <-chan order) error {
	heartbeats := time.NewTicker(heartbeat)
	defer heartbeats.Stop()
	for {
		select {
		case o := <-orders:
			a.heard()
			a.obey(ctx, o)
		case id := <-a.left:
			delete(a.routers, id)
			a.out.send(news{Done: &candidateNews{id}})
		case <-heartbeats.C:
			a.missed()
		case err := <-a.failed:
			return err
		}
	}
}

// begin starts what runs beside the agent.
func (a *agent) begin(ctx context.Context, b beginOrder) {
	if err := beRealTime(b.Priority); err != nil {
		a.log.Warn("adverts may be late when the CPUs are busy: no real-time priority; give the daemon CAP_SYS_NICE",
			"error", err)
	}
	if err := lockMemory(); err != nil {
		a.log.Info("adverts may be late when memory is short: the memory of VRRP's process is not locked; give the daemon "+
			"CAP_IPC_LOCK", "error", err)
	}
	if err := a.announcer.open(); err != nil {
		a.failed <- err
		return
	}
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1) // the elections have a processor however many others want one
	go a.errands.run(ctx)
	for _, run := range []func() error{
		func() error { return a.elections.run(ctx) },
		func() error { return a.announcer.run(ctx) },
		func() error { return netif.WatchLinks(ctx, a.link) },
		func() error { return netif.WatchAddresses(ctx, a.errands.address) },
	} {
		go func() {
			if err := run(); err != nil {
				a.failed <- err
			}
		}()
	}
}

// link follows a change of an interface.
func (a *agent) link(event netif.LinkEvent) {
	a.announcer.link(event)
	a.errands.link(event)
}

// missed counts a heartbeat without an order. While the controller hangs nobody checks real servers, so another node must
// be MASTER.
func (a *agent) missed() {
	a.silence++
	if a.silence != longSilence {
		return
	}
	const why = "the daemon hangs"
	a.log.Error("nothing is heard from the daemon's control plane: another node is to be MASTER", "for", longSilence*heartbeat)
	for _, e := range a.routers {
		unfit := e.fitness
		unfit.fault = why
		e.fit(unfit)
	}
}

func (a *agent) heard() {
	hung := a.silence >= longSilence
	a.silence = 0
	if !hung {
		return
	}
	a.log.Info("the daemon's control plane is heard again")
	for _, e := range a.routers {
		e.fit(e.fitness)
	}
}
