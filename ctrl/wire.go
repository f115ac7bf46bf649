package ctrl

import (
	"time"

	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

// wire is the VRRP socket of an interface, which its instances share.
type wire struct {
	conn   *netif.VRRPConn
	index  int
	users  map[*ground]bool
	closed chan struct{}
}

// openWire opens an interface's socket, or finds it open.
func (e *errands) openWire(ifname string, user *ground, deliver func(heard)) (*wire, error) {
	w := e.wires[ifname]
	if w == nil {
		link, err := netif.Link(ifname)
		if err != nil {
			return nil, err
		}
		conn, err := netif.OpenVRRP(ifname)
		if err != nil {
			return nil, err
		}
		w = &wire{conn: conn, index: link.Index, users: make(map[*ground]bool), closed: make(chan struct{})}
		e.wires[ifname] = w
		go e.read(ifname, w, deliver)
	}
	w.users[user] = true
	return w, nil
}

func (e *errands) closeWire(ifname string) {
	w := e.wires[ifname]
	delete(e.wires, ifname)
	close(w.closed)
	if err := w.conn.Close(); err != nil {
		e.log.Warn("closing a VRRP socket failed", "interface", ifname, "error", err)
	}
}

// leaveWire closes a socket that nobody uses any more.
func (e *errands) leaveWire(ifname string, user *ground) {
	w := e.wires[ifname]
	if w == nil {
		return
	}
	delete(w.users, user)
	if len(w.users) == 0 {
		e.closeWire(ifname)
	}
}

func (w *wire) isClosed() bool {
	select {
	case <-w.closed:
		return true
	default:
		return false
	}
}

// readPause is how long reading rests after a failure, so that one that lasts does not keep a CPU busy.
const readPause = 100 * time.Millisecond

// read hands on what arrives until the socket is closed.
func (e *errands) read(ifname string, w *wire, deliver func(heard)) {
	failed := false
	for {
		p, err := w.conn.Read()
		switch {
		case err != nil && w.isClosed():
			return
		case err != nil:
			if !failed {
				e.log.Error("reading adverts fails; trying again", "interface", ifname, "error", err)
			}
			failed = true
			select {
			case <-time.After(readPause):
				continue
			case <-w.closed:
				return
			}
		}
		failed = false
		if id, ok := vrrp.VirtualRouterID(p.Payload); ok {
			deliver(heard{routerKey{ifname, id, p.Source.Is6()}, p})
		}
	}
}
