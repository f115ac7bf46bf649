package vrrp

import (
	"net/netip"
	"time"
)

// Machine is the election of one virtual router on one interface, RFC 3768
// section 6.4. It belongs to one goroutine. Its only clock is the argument of
// Handle, which must not run backwards.
type Machine struct {
	settings Settings
	state    State
	since    time.Time
	linkUp   bool
	linkDown string // why the link is down

	timers     timers
	takeover   takeover
	leaseUntil time.Time // end of the lease of the last advert, as MASTER

	// Of the event that Handle works on.
	now     time.Time
	actions []Action
}

// timers are the moments at which a Tick has something to do; zero is unarmed.
type timers struct {
	down     time.Time // BACKUP: Master_Down_Timer
	advert   time.Time // MASTER: Adver_Timer
	announce time.Time // MASTER: the second announcement (garp_master_delay)
	refresh  time.Time // MASTER: the next garp_master_refresh

	announceCount int // packets per address at the time of announce
}

// takeover is what a BACKUP knows about the takeover that it waits for.
type takeover struct {
	cause      takeoverCause
	master     netip.Addr // the source of the last advert, if any
	preemptsAt time.Time  // when preempt_delay is over; zero: not begun
}

// NewMachine returns a machine in state INIT with its link up. The settings
// must be valid, see [Settings.Validate].
func NewMachine(settings Settings, now time.Time) *Machine {
	return &Machine{settings: settings.clone(), since: now, linkUp: true}
}

// State is the current state.
func (m *Machine) State() State { return m.state }

// Since is the time of the last change of state.
func (m *Machine) Since() time.Time { return m.since }

// Deadline is when the machine wants a Tick; zero if it waits for nothing. A
// late Tick is fine. If datagrams wait at the same time, hand them over first:
// else a daemon that slept takes over from a master whose adverts lie in its
// receive queue.
func (m *Machine) Deadline() time.Time {
	var first time.Time
	for _, at := range []time.Time{m.timers.down, m.timers.advert, m.timers.announce, m.timers.refresh} {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// Handle tells the machine an event and returns what to do about it, in order.
func (m *Machine) Handle(now time.Time, ev Event) []Action {
	m.now, m.actions = now, nil
	switch ev := ev.(type) {
	case Start:
		m.start()
	case Adopt:
		m.adopt()
	case Stop:
		m.stop()
	case Tick:
		m.tick()
	case Received:
		m.received(ev.Datagram)
	case LinkDown:
		m.loseLink(ev.Reason)
	case LinkUp:
		m.regainLink()
	case Reconfigure:
		m.reconfigure(ev.Settings)
	}
	return m.actions
}

func (m *Machine) start() {
	if m.state != Initialize {
		return
	}
	if m.linkUp && m.settings.Priority == PriorityOwner {
		m.becomeMaster("started as address owner")
		return
	}
	m.removeAddresses(m.settings.heldAddresses())
	if !m.linkUp {
		m.enter(Fault, m.linkDown)
		return
	}
	m.becomeBackup("started")
}

func (m *Machine) adopt() {
	if m.state != Initialize || !m.linkUp {
		m.start()
		return
	}
	m.becomeMaster("adopted the lease of an earlier run")
}

func (m *Machine) stop() {
	if m.state == Initialize {
		return
	}
	if m.state == Master {
		m.sendLastAdvert(PriorityStopped)
		m.removeAddresses(m.settings.heldAddresses())
	}
	m.enter(Initialize, "stopped")
}

func (m *Machine) loseLink(reason string) {
	m.linkUp, m.linkDown = false, reason
	switch m.state {
	case Master:
		m.removeAddresses(m.settings.heldAddresses())
		m.enter(Fault, reason)
	case Backup:
		m.enter(Fault, reason)
	}
}

func (m *Machine) regainLink() {
	m.linkUp, m.linkDown = true, ""
	switch {
	case m.state != Fault:
	case m.settings.Priority == PriorityOwner:
		m.becomeMaster("link up as address owner")
	default:
		m.becomeBackup("link up")
	}
}

func (m *Machine) tick() {
	switch m.state {
	case Backup:
		if m.due(m.timers.down) {
			m.becomeMaster(m.takeoverReason())
		}
	case Master:
		if m.due(m.timers.advert) {
			m.advertOnSchedule()
		}
		m.announceOnSchedule()
	}
}

func (m *Machine) due(at time.Time) bool {
	return !at.IsZero() && !m.now.Before(at)
}

// becomeBackup is the way into BACKUP from every state.
func (m *Machine) becomeBackup(reason string) {
	m.enter(Backup, reason)
	m.armDown(m.settings.DownInterval(), causeSilence)
}

// becomeMaster follows the order that keepalived has on the wire: advert,
// addresses, gratuitous ARP.
func (m *Machine) becomeMaster(reason string) {
	from := m.state
	m.settle(Master)
	m.sendAdvert()
	m.addAddresses(m.settings.heldAddresses())
	m.announceTwice(m.settings.heldAddresses(), m.settings.GARP.MasterRepeat, m.settings.GARP.MasterDelay)
	m.armRefresh()
	m.do(Transition{From: from, To: Master, Reason: reason})
}

// enter changes the state and tells so.
func (m *Machine) enter(to State, reason string) {
	from := m.state
	m.settle(to)
	m.do(Transition{From: from, To: to, Reason: reason})
}

// settle changes the state and forgets what belonged to the one before.
func (m *Machine) settle(to State) {
	m.state, m.since = to, m.now
	m.timers, m.takeover, m.leaseUntil = timers{}, takeover{}, time.Time{}
}

func (m *Machine) do(a Action) {
	m.actions = append(m.actions, a)
}

func (m *Machine) addAddresses(addresses []netip.Addr) {
	if len(addresses) > 0 {
		m.do(AddAddresses{Addresses: addresses})
	}
}

func (m *Machine) removeAddresses(addresses []netip.Addr) {
	if len(addresses) > 0 {
		m.do(RemoveAddresses{Addresses: addresses})
	}
}
