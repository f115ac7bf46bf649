package ctrl

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"

	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

// start begins the election as the interfaces stand now. A lease that still runs was given by an earlier process: this
// one is MASTER and goes on as such.
func (r *router) start(links map[string]netif.LinkInfo) {
	r.mail.put(func() {
		for name, link := range links {
			r.usable[name] = link.Usable()
		}
		r.followInterfaces()
		r.openConn()
		r.begin()
	})
}

// begin starts the machine once there is an address to speak from.
func (r *router) begin() {
	if r.begun || r.conn == nil {
		return
	}
	settings := r.settings()
	if err := settings.Validate(); err != nil {
		r.complain("settings", "this instance cannot take part", err)
		return
	}
	r.begun = true
	r.machine = vrrp.NewMachine(settings, time.Now())
	r.handle(r.linkEvent())
	gate, err := r.data.Gate(r.gate)
	if err != nil {
		r.complain("gate", "the gate cannot be read", err)
	}
	if err == nil && gate.Lease > 0 {
		r.log.Info("adopted: going on as MASTER", "lease", gate.Lease)
		r.handle(vrrp.Adopt{})
		return
	}
	r.handle(vrrp.Start{})
}

// link tells the router of a change of any interface.
func (r *router) link(event netif.LinkEvent) {
	r.mail.put(func() {
		name := event.Link.Name
		r.usable[name] = !event.Removed && event.Link.Usable()
		if name == r.instance.Interface {
			if event.Removed {
				r.closeConn()
			} else {
				r.openConn()
				r.begin()
			}
		}
		r.handle(r.linkEvent())
	})
}

// address tells the router of a change of any interface's addresses.
func (r *router) address(event netif.AddressEvent) {
	r.mail.put(func() {
		if event.Removed {
			r.restore(event)
		}
		if event.Interface != r.instance.Interface {
			return
		}
		if event.Removed && r.conn != nil && event.Prefix.Addr() == r.conn.Source() {
			r.closeConn()
		}
		reopened := r.conn == nil
		r.openConn()
		r.begin()
		if reopened && r.conn != nil && r.machine != nil {
			r.handle(vrrp.Reconfigure{Settings: r.settings()})
		}
		r.handle(r.linkEvent())
	})
}

// restore puts a VIP back that somebody took from a MASTER.
func (r *router) restore(event netif.AddressEvent) {
	if r.machine == nil || r.machine.State() != vrrp.Master {
		return
	}
	for _, a := range virtualAddresses(r.instance) {
		if a.Interface != event.Interface || a.Prefix != event.Prefix {
			continue
		}
		if r.addAddress(a.Prefix.Addr()) {
			r.log.Warn("somebody removed a VIP while this node is MASTER: put back", "vip", a.Prefix)
			r.do(vrrp.Announce{Addresses: []netip.Addr{a.Prefix.Addr()}, Count: r.instance.GARP.MasterRepeat})
		}
	}
}

// followInterfaces forgets the interfaces that no fault depends on any more.
func (r *router) followInterfaces() {
	for name := range r.usable {
		if name != r.instance.Interface && !slices.Contains(r.instance.TrackInterfaces, name) {
			delete(r.usable, name)
		}
	}
}

// linkEvent is what the interfaces mean for the election now.
func (r *router) linkEvent() vrrp.Event {
	if r.conn == nil {
		return vrrp.LinkDown{Reason: r.instance.Interface + " is away or has no IPv4 address"}
	}
	tracked := slices.Clone(r.instance.TrackInterfaces)
	if r.instance.TrackPrimary {
		tracked = append(tracked, r.instance.Interface)
	}
	for _, name := range tracked {
		if !r.usable[name] {
			return vrrp.LinkDown{Reason: name + " is down"}
		}
	}
	return vrrp.LinkUp{}
}

// openConn opens the VRRP socket if it is closed; what fails now is tried again when the interface changes.
func (r *router) openConn() {
	if r.conn != nil {
		return
	}
	source := r.instance.SourceAddress
	if !source.IsValid() {
		primary, err := netif.PrimaryAddress(r.instance.Interface, r.isVIP)
		if err != nil {
			r.complain("open", "this instance cannot speak", err)
			return
		}
		source = primary
	}
	conn, err := netif.OpenVRRP(r.instance.Interface, source)
	if err != nil {
		r.complain("open", "this instance cannot speak", err)
		return
	}
	r.conn = conn
	go r.read(conn)
}

func (r *router) isVIP(addr netip.Addr) bool {
	for _, a := range virtualAddresses(r.instance) {
		if a.Prefix.Addr() == addr {
			return true
		}
	}
	return false
}

// readPause is how long reading rests after a failure, so that one that lasts does not keep a CPU busy.
const readPause = 100 * time.Millisecond

// read hands on what arrives until the connection is closed.
func (r *router) read(conn *netif.VRRPConn) {
	for {
		p, err := conn.Read()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			r.mail.put(func() { r.complain("read", "reading adverts failed", err) })
			select {
			case <-time.After(readPause):
				continue
			case <-r.done:
				return
			}
		}
		select {
		case r.packets <- p:
		case <-r.done:
			return
		}
	}
}

func (r *router) closeConn() {
	if r.conn == nil {
		return
	}
	if err := r.conn.Close(); err != nil {
		r.complain("close", "closing the VRRP socket failed", err)
	}
	r.conn = nil
}

// complaints remembers when each kind of failure was last logged.
type complaints map[string]time.Time

// due tells whether a failure is to be logged now: one of a kind at most once a minute.
func (c complaints) due(now time.Time, kind string) bool {
	const pause = time.Minute
	if last, logged := c[kind]; logged && now.Sub(last) < pause {
		return false
	}
	c[kind] = now
	return true
}

// complain logs a failure, unless one of its kind was logged just now.
func (r *router) complain(kind, text string, err error) {
	if r.complaints.due(time.Now(), kind) {
		r.log.Error(fmt.Sprintf("%s; further ones within a minute are not logged", text), "error", err)
	}
}
