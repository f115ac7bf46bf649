package ctrl

import (
	"errors"

	"drover/ctrl/netif"
)

// wire is the VRRP socket of an interface, which its instances share.
type wire struct {
	conn  *netif.VRRPConn
	index int
	users map[*ground]bool
	deaf  func() error // ends its being heard

	received *netif.Received // nil if it cannot be watched
	silence  silence
}

// openWire opens an interface's socket, or finds it open.
func (e *errands) openWire(ifname string, user *ground) (*wire, error) {
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
		deaf, err := user.listen(ifname, conn)
		if err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		w = &wire{conn: conn, index: link.Index, users: make(map[*ground]bool), deaf: deaf}
		if w.received, err = netif.OpenReceived(ifname); err != nil {
			e.log.Warn("it is not watched whether anything is heard, so that clients may be lost when a split heals", "error", err)
		} else {
			w.silence.frames = w.received.Frames
		}
		e.wires[ifname] = w
	}
	w.users[user] = true
	return w, nil
}

func (e *errands) closeWire(ifname string) {
	w := e.wires[ifname]
	delete(e.wires, ifname)
	err := errors.Join(w.deaf(), w.conn.Close())
	if w.received != nil {
		err = errors.Join(err, w.received.Close())
	}
	if err != nil {
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
