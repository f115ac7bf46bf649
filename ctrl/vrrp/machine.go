package vrrp

import (
	"net/netip"
	"time"
)

// Machine is the election of one virtual router on one interface, RFC 9568
// section 6.4. It belongs to one goroutine. Its only clock is the argument of
// Handle, which must not run backwards.
type Machine struct {
	settings Settings
	state    State
	since    time.Time

	health   health
	weight   int           // sum of what is tracked
	interval time.Duration // of the master: learned in BACKUP (version 3), else our own
	grouped  bool          // the group decides when to become MASTER
	stopped  bool          // by Stop, and not started since

	timers     timers
	takeover   takeover
	mastership mastership

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

// NewMachine returns a machine in state INIT without a fault. The settings must
// be valid, see [Settings.Validate].
func NewMachine(settings Settings, now time.Time) *Machine {
	return &Machine{settings: settings.clone(), since: now, interval: settings.AdvertInterval}
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
	return earliest(m.timers.down, m.timers.advert, m.timers.announce, m.timers.refresh)
}

// earliest is the first of the times that are not zero.
func earliest(times ...time.Time) time.Time {
	var first time.Time
	for _, at := range times {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	return first
}

// Handle tells the machine an event and returns what to do about it, in order.
func (m *Machine) Handle(now time.Time, ev Event) []Action {
	return m.at(now, func() { m.handle(ev) })
}

// at does something at a time and returns the actions that it brings.
func (m *Machine) at(now time.Time, do func()) []Action {
	m.now, m.actions = now, nil
	do()
	return m.actions
}

func (m *Machine) handle(ev Event) {
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
	case Fault:
		m.setHealth(health{ill: true, reason: ev.Reason, group: m.health.group})
	case NoFault:
		m.setHealth(health{group: m.health.group})
	case Tracked:
		m.track(ev)
	case Reunited:
		m.reunite()
	case Reconfigure:
		m.reconfigure(ev.Settings)
	}
}

// start is state INIT of RFC 9568 section 6.4.1.
func (m *Machine) start() {
	if m.state != Initialize {
		return
	}
	m.stopped = false
	if !m.health.well() {
		m.removeAddresses(m.settings.heldAddresses())
		m.enter(Faulty, m.health.why())
		return
	}
	m.takePart("started", m.settings.StartupDelay)
}

func (m *Machine) adopt() {
	if m.state != Initialize || !m.health.well() {
		m.start()
		return
	}
	m.stopped = false
	m.becomeMaster("adopted the lease of an earlier run")
}

func (m *Machine) stop() {
	if m.state == Initialize {
		return
	}
	m.resign()
	m.stopped = true
	m.enter(Initialize, "stopped")
}

func (m *Machine) tick() {
	switch m.state {
	case Backup:
		if m.due(m.timers.down) {
			m.takeOver()
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

// takePart is the way out of INIT and FAULT. The address owner waits for
// nobody, but for a delay and for its group.
func (m *Machine) takePart(reason string, delay time.Duration) {
	owner := m.settings.Priority == PriorityOwner
	if owner && delay == 0 && !m.grouped {
		m.becomeMaster("address owner")
		return
	}
	if m.state == Initialize {
		m.removeAddresses(m.settings.heldAddresses())
	}
	m.becomeBackup(reason)
	m.takeover.notBefore = m.now.Add(delay)
	if owner {
		m.armDown(0, causeOwner)
	} else {
		m.armDown(m.downInterval(), causeSilence)
	}
}

// becomeBackup is the way into BACKUP from every state.
func (m *Machine) becomeBackup(reason string) {
	m.enter(Backup, reason)
	m.interval = m.settings.AdvertInterval
	m.armDown(m.downInterval(), causeSilence)
}

// becomeMaster follows the order that keepalived has on the wire: advert,
// addresses, gratuitous ARP.
func (m *Machine) becomeMaster(reason string) {
	from, preempted, silent := m.state, m.takeover.preempted(), m.takeover.silent()
	m.settle(Master)
	m.mastership.preempted, m.mastership.silent = preempted, silent
	m.sendAdvert()
	m.addAddresses(m.settings.heldAddresses())
	m.announceTwice(m.settings.heldAddresses(), m.settings.GARP.MasterRepeat, m.settings.GARP.MasterDelay)
	m.armRefresh()
	m.do(Transition{From: from, To: Master, Reason: reason})
}

// resign ends being MASTER with a goodbye, RFC 9568 section 6.4.3. In other
// states it does nothing.
func (m *Machine) resign() {
	if m.state == Master {
		m.sendLastAdvert(PriorityStopped, m.settings.AdvertInterval)
		m.removeAddresses(m.settings.heldAddresses())
	}
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
	m.timers, m.takeover, m.mastership = timers{}, takeover{}, mastership{}
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
