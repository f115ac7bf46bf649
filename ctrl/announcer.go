package ctrl

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// announcement tells an interface's LAN where a VIP is; the MAC is nil for that of the interface.
type announcement struct {
	ifname string
	vip    netip.Addr
	mac    net.HardwareAddr
}

// announcementsOf are those of addresses of an instance, each a number of times, all of them in turns.
func announcementsOf(i config.Instance, addresses []netip.Addr, count int) []announcement {
	var once, all []announcement
	for _, addr := range addresses {
		a, configured := virtualAddressOf(i, addr)
		if !configured {
			continue
		}
		one := announcement{ifname: a.Interface, vip: addr}
		if a.OnVMAC && i.VMAC != nil {
			one.mac = i.VMAC.Address
		}
		once = append(once, one)
	}
	for range count {
		all = append(all, once...)
	}
	return all
}

// announcer announces VIPs, in the process of VRRP: the clients of a MASTER that is gone wait for nothing else. It goes ahead
// of the errands, for the kernel adds an address under a lock that others may hold for long, and what is balanced is
// forwarded without the address.
type announcer struct {
	log  *slog.Logger
	wake chan struct{} // holds a token while something waits that nobody has the timer set for

	mu     sync.Mutex
	socket *netif.Announcer
	// send puts one on the wire. It does not wait.
	send       func(on netif.LinkInfo, vip netip.Addr, mac net.HardwareAddr) error
	lans       map[string]*lan // by the interface, of those that are there
	waiting    map[*lan]bool   // those where something waits: there may be thousands of others
	garp, gna  time.Duration   // from one announcement to the next on a LAN, of IPv4 and of IPv6; zero: at once
	lent       loan
	complaints complaints
}

// lan is an interface, and what waits to be announced there.
type lan struct {
	link netif.LinkInfo
	pacer
}

// loan is how much time of those who post has been used lately: in a burst a few announcements are made by the one who
// asks, for whom no thread must wake up, and the others beside him. One takes some 20 us.
type loan struct {
	since time.Time
	spent int
}

const (
	loanTime = 10 * time.Millisecond
	loanMost = 16
	// batch is how many announcements are made until somebody else may post.
	batch = 8
)

// left is how many more may be made now.
func (l *loan) left(now time.Time) int {
	if now.Sub(l.since) >= loanTime {
		*l = loan{since: now}
	}
	return loanMost - l.spent
}

func newAnnouncer(log *slog.Logger) *announcer {
	return &announcer{
		log: log, wake: make(chan struct{}, 1), send: tellNobody, lans: make(map[string]*lan), waiting: make(map[*lan]bool),
		complaints: make(complaints),
	}
}

func tellNobody(netif.LinkInfo, netip.Addr, net.HardwareAddr) error { return nil }

// open makes it ready. Who posts before tells nobody.
func (a *announcer) open() error {
	socket, err := netif.OpenAnnouncer()
	if err != nil {
		return err
	}
	links, err := netif.Links()
	if err != nil {
		return errors.Join(err, socket.Close())
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.socket, a.send = socket, socket.Announce
	for _, l := range links {
		a.lans[l.Name] = &lan{link: l}
	}
	return nil
}

// run makes the announcements that must wait, until ctx ends.
func (a *announcer) run(ctx context.Context) error {
	a.serve(ctx)
	a.mu.Lock() // nobody is sending
	defer a.mu.Unlock()
	a.send = tellNobody
	return a.socket.Close()
}

// serve makes the announcements that were left to it until ctx ends.
func (a *announcer) serve(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-a.wake:
		case <-timer.C:
		}
		timer.Stop()
		if next := a.turn(time.Now()); !next.IsZero() {
			timer.Reset(time.Until(next))
		}
	}
}

// turn makes what is due, and tells when the next one is; zero for none.
func (a *announcer) turn(now time.Time) (next time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.announce(now, batch)
	return a.next()
}

// post has announcements made, in their order, later where another one was only just made. It does not wait.
func (a *announcer) post(all []announcement) { a.postAt(time.Now(), all) }

func (a *announcer) postAt(now time.Time, all []announcement) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, one := range all {
		l := a.lans[one.ifname]
		if l == nil {
			continue // nobody is there to hear it
		}
		l.put(one)
		a.waiting[l] = true
	}
	a.lent.spent += a.announce(now, a.lent.left(now))
	if !a.next().IsZero() {
		select {
		case a.wake <- struct{}{}:
		default: // the token is there already
		}
	}
}

// pace says how far apart announcements are to be on each interface (vrrp_garp_interval, vrrp_gna_interval).
func (a *announcer) pace(garp, gna time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.garp, a.gna = garp, gna
}

// link follows a change of an interface.
func (a *announcer) link(event netif.LinkEvent) {
	a.mu.Lock()
	defer a.mu.Unlock()
	name, l := event.Link.Name, a.lans[event.Link.Name]
	if l != nil && !event.Removed && l.link.Index == event.Link.Index {
		l.link = event.Link
		return
	}
	delete(a.waiting, l)
	delete(a.lans, name)
	if !event.Removed {
		a.lans[name] = &lan{link: event.Link}
	}
}

// announce makes some of the announcements that are due, and tells how many. The lock is held.
func (a *announcer) announce(now time.Time, most int) (made int) {
	for l := range a.waiting {
		for _, one := range l.take(now, a.garp, a.gna, most-made) {
			a.announceOne(now, l.link, one)
			made++
		}
		if l.next().IsZero() {
			delete(a.waiting, l)
		}
	}
	return made
}

func (a *announcer) announceOne(now time.Time, on netif.LinkInfo, one announcement) {
	err := a.send(on, one.vip, one.mac)
	if err != nil && !errors.Is(err, netif.ErrNoInterface) && a.complaints.due(now, one.ifname) {
		a.log.Error("a VIP could not be announced; further ones on this interface within a minute are not logged",
			"vip", one.vip, "interface", one.ifname, "error", err)
	}
}

// next is when the next announcement may be made; zero when none waits. The lock is held.
func (a *announcer) next() (next time.Time) {
	for l := range a.waiting {
		next = sooner(next, l.next())
	}
	return next
}
