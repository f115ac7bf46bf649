package ctrl

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os/exec"
	"sync"
	"time"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/ctrl/netif"
	"drover/ctrl/notify"
	"drover/ctrl/script"
	"drover/ctrl/track"
	"drover/dataplane"
)

// Options say what a Controller works with.
type Options struct {
	Data *dataplane.DataPlane
	Mode dataplane.Mode // of XDP, for every interface
	Log  *slog.Logger
	// VRRP is a command that has not been started. Its process is to call RunVRRP with its standard input and output and the
	// gates that its file descriptors 3 and 4 are, see dataplane.OpenGates; to end when that returns, and for no signal before.
	VRRP *exec.Cmd
}

// Controller keeps the data plane true to a configuration and to what becomes known. Make one with New, then Run it.
type Controller struct {
	data    *dataplane.DataPlane
	mode    dataplane.Mode
	log     *slog.Logger
	command *exec.Cmd // of the process of VRRP
	mail    *mailbox
	done    chan struct{} // closed when Run has ended
	// running ends with Run, and with it everything that Run starts.
	running context.Context
	halt    context.CancelFunc
	// counting is held for reading while Status reads the maps, which must not be closed meanwhile.
	counting sync.RWMutex

	// The rest belongs to Run.
	known   known
	ids     *identities
	planner planner
	// steps comes when the next step of a slow start is due.
	steps      *time.Timer
	handshakes handshakes
	stale      bool            // what is known has changed since the tables were written
	sizes      dataplane.Sizes // of the tables, as they were last asked for
	candidates map[routerKey]*candidate
	segments   *segments
	// parting are candidates that a reload has stopped and that are not done yet, each closed when it is; dismissed waits for
	// all of them.
	parting    map[routerKey]chan struct{}
	dismissed  sync.WaitGroup
	probing    *probing
	checkers   *checkers
	attached   map[string]attachState // by the interface that the program sits on
	refused    map[string]error       // why an interface cannot be served
	tell       *teller
	sweeper    sweeper
	beside     sync.WaitGroup // what runs beside Run until halt
	vrrp       *vrrpProcess
	complaints complaints            // of announce, which the news of vrrp call
	fitness    map[routerKey]fitness // that the routers know
	lowerings  map[routerKey]*lowering
	hearing    hearing
	lookAgain  time.Time            // when a lowering wants to be looked at again; zero for never
	look       *time.Timer          // which has refit look then
	refits     bool                 // what that follows from has changed
	relocates  bool                 // what the places of real servers follow from has changed
	news       []serverNews         // that nobody was told yet
	wrong      map[api.Finding]bool // on the LAN, that is logged
	surveys    bool                 // what that follows from has changed
	reaches    bool                 // who can be asked through VIPs has changed
	awaiting   *time.Timer          // looks again at the real servers that were waited for
	probe      *time.Timer          // asks who else has a VIP, a while after the last transition
	launcher   *script.Launcher
	tracker    *track.Tracker
	notifier   *notify.Notifier
	statics    statics
	ways       probeWays
	insights   insights
	garbage    health.Collector
}

// repairInterval is how often what failed is tried again.
const repairInterval = 5 * time.Second

// New makes a controller of an open data plane.
func New(opts Options) *Controller {
	c := &Controller{
		data: opts.Data, mode: opts.Mode, log: opts.Log, command: opts.VRRP, mail: newMailbox(), done: make(chan struct{}),
		known: newKnown(), candidates: make(map[routerKey]*candidate), complaints: make(complaints),
		parting: make(map[routerKey]chan struct{}), segments: newSegments(), fitness: make(map[routerKey]fitness),
		lowerings: make(map[routerKey]*lowering), hearing: make(hearing), attached: make(map[string]attachState),
		tell: newTeller(opts.Log),
	}
	c.sweeper = sweeper{sweep: opts.Data.Sweep, tell: c.tell}
	c.ways.data = opts.Data
	c.insights = insights{asking: make(map[checkKey]bool), told: c.onInsight}
	c.running, c.halt = context.WithCancel(context.Background())
	c.probe = time.AfterFunc(claimProbeInterval, func() { c.post(c.probeClaims) })
	c.look = time.AfterFunc(repairInterval, func() { c.post(c.unfit) })
	c.steps = time.AfterFunc(repairInterval, func() { c.post(func() { c.stale = true }) })
	c.steps.Stop()
	c.awaiting = time.AfterFunc(repairInterval, func() { c.post(func() { c.stale = true }) })
	c.awaiting.Stop()
	c.probing = &probing{through: c.wayThrough, certificates: make(map[config.Credentials]*tls.Certificate)}
	c.checkers = &checkers{
		log: opts.Log, probing: c.probing, running: make(map[checkKey]runningCheck), passages: make(map[passageKey]*passage), saw: c.onSight, report: c.onVerdict,
	}
	return c
}

// Run serves a configuration until ctx ends. Then every MASTER says goodbye and hands over, and nothing is left behind:
// no VIP, no program, no pin. An error that keeps it from starting leaves nothing behind either, unless an earlier
// process's tables were taken over: those stay.
func (c *Controller) Run(ctx context.Context, cfg *config.Config) error {
	defer close(c.done)
	defer c.halt()
	if err := c.begin(cfg); err != nil {
		return errors.Join(err, c.abandon())
	}
	c.beside.Go(func() { c.sweeper.run(c.running) })
	failed := make(chan error, 2)
	go func() {
		failed <- netif.WatchLinks(c.running, func(e netif.LinkEvent) { c.post(func() { c.onLink(e) }) })
	}()
	go func() {
		failed <- netif.WatchAddresses(c.running, func(e netif.AddressEvent) { c.post(func() { c.onAddress(e) }) })
	}()

	repair := time.NewTicker(repairInterval)
	defer repair.Stop()
	guard := time.NewTicker(guardInterval)
	defer guard.Stop()
	listen := time.NewTicker(listenInterval)
	defer listen.Stop()
	probe := time.NewTicker(claimProbeInterval)
	defer probe.Stop()
	watch := time.NewTimer(idleWatch)
	defer watch.Stop()
	for {
		select {
		case <-ctx.Done():
			return c.end()
		case err := <-failed:
			return errors.Join(err, c.end())
		case <-c.vrrp.ended:
			return errors.Join(errVRRPEnded, c.leave())
		case <-c.mail.ready:
			for _, do := range c.mail.take() {
				do()
			}
		case <-repair.C:
			c.repair()
			c.garbage.Tune()
		case <-guard.C:
			c.guard()
		case <-listen.C:
			c.listen(time.Now())
		case <-probe.C:
			c.known.claims.forget(time.Now())
			c.probeClaims()
		case now := <-watch.C:
			watch.Reset(c.watchHandshakes(now))
		}
		c.relocate()
		c.refit() // before the tables: see lowering
		if c.stale {
			c.replan()
		}
		if c.reaches && !c.stale {
			c.reaches = false
			c.followProbes()
		}
		c.watchLAN()
	}
}

func (c *Controller) post(do func()) { c.mail.put(do) }

// replan makes the tables follow what is known, and tells of it. What fails is tried again by repair.
func (c *Controller) replan() {
	c.tell.about("the tables do not follow", c.writeTables())
	c.publish()
}

func (c *Controller) writeTables() error {
	c.stale = true
	c.assess()
	now := time.Now()
	if next := c.known.rise(now); !next.IsZero() {
		c.steps.Reset(next.Sub(now))
	}
	if err := writeTables(c.data, now, &c.known, c.ids, &c.planner); err != nil {
		return err
	}
	c.stale = false
	return nil
}

// writeTables plans what follows from what is known, and has it applied.
func writeTables(data *dataplane.DataPlane, now time.Time, k *known, ids *identities, p *planner) error {
	if err := ids.number(now, k); err != nil {
		return err
	}
	tables := p.plan(k, ids)
	return data.ApplyChange(tables, p.change)
}

// repair tries again what has failed: sizes, attaching, sockets, places of which no event tells as they hang on routes.
// (Stale tables are written after every event; errands repair what is VRRP's.) It also lets go of tables that were
// replaced, after which probes need another program.
func (c *Controller) repair() {
	c.unfit()
	c.relocates = c.relocates || doubtful(c.known.places)
	c.tell.about("not all works yet", errors.Join(c.data.Tidy(), c.resize()))
	c.occupy()
	c.tell.about("not all static addresses, routes and rules are there", c.statics.add())
	c.seek()
}
