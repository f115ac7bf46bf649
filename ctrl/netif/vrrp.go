package netif

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"

	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// VRRPConn is VRRP (protocol 112) on one interface: one conn serves all its virtual routers of both families, on virtual
// MACs too. It hears every advert on the LAN that is sent to where it listens, and none that this host sends.
//
// Open one per interface, let one goroutine Read, and give each packet to the virtual router whose family and identifier
// it carries; every virtual router says Listen for itself, and Writes along its own VRRPPath. This costs two or three
// sockets, however many virtual routers there are.
//
// It outlives link down and up, and another name. When the interface is removed (WatchLinks tells), close it and open
// another.
type VRRPConn struct {
	ifname  string
	wire    *packet.Conn
	buffer  []byte       // of Read
	senders []vrrpSender // of each family that the kernel has

	mu        sync.RWMutex
	listening map[netip.Addr]bool
}

// OpenVRRP opens VRRP on an interface, which needs no address yet. It hears nothing before Listen. The error wraps
// ErrNoInterface. Needs CAP_NET_RAW, and CAP_NET_ADMIN for the receive buffer.
func OpenVRRP(ifname string) (*VRRPConn, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("open VRRP: %w", err)
	}
	c := &VRRPConn{ifname: ifname, buffer: make([]byte, vrrpLargest), listening: make(map[netip.Addr]bool)}
	if err := c.open(link.Attrs().Index); err != nil {
		return nil, fmt.Errorf("open VRRP on %s: %w", ifname, errors.Join(err, c.Close()))
	}
	return c, nil
}

// open opens the sockets; after an error Close releases those that are open.
func (c *VRRPConn) open(index int) (err error) {
	if c.wire, err = openWire(index); err != nil {
		return err
	}
	for _, newSender := range []func(index int) (vrrpSender, error){newVRRPSender4, newVRRPSender6} {
		sender, err := newSender(index)
		if errors.Is(err, unix.EAFNOSUPPORT) {
			continue // a kernel without IPv6: Listen and Write tell who wants it
		}
		if err != nil {
			return err
		}
		c.senders = append(c.senders, sender)
	}
	return nil
}

// sender returns the sender for a destination.
func (c *VRRPConn) sender(to netip.Addr) (vrrpSender, error) {
	for _, sender := range c.senders {
		if sender.serves(to) {
			return sender, nil
		}
	}
	return nil, errors.New("this kernel has no IPv6 (remove ipv6.disable=1 from its command line)")
}

// openWire opens the socket that hears. It is a packet socket before everything else in the kernel: a frame whose source
// is a virtual MAC that this host has as well, as those of the master are for its backups, the kernel gives to the macvlan
// alone; and a socket on each of 255 macvlans would hear each advert of the LAN 255 times.
func openWire(index int) (*packet.Conn, error) {
	filter, err := bpf.Assemble(onlyVRRP)
	if err != nil {
		return nil, fmt.Errorf("assemble filter: %w", err)
	}
	wire, err := packet.Listen(&net.Interface{Index: index}, packet.Datagram, unix.ETH_P_ALL, &packet.Config{Filter: filter})
	if err != nil {
		return nil, err
	}
	raw, err := wire.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, wire.Close())
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		failed = errors.Join(
			// The filter would drop them, but not before each packet that this host sends is cloned.
			os.NewSyscallError("ignore what is sent", unix.SetsockoptInt(int(fd), unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)),
			os.NewSyscallError("set receive buffer", unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, vrrpReceiveBuffer)),
		)
	})
	if err := errors.Join(err, failed); err != nil {
		return nil, errors.Join(err, wire.Close())
	}
	return wire, nil
}

// Listen hears what is sent to an address from now on: a multicast group, which is joined (VRRPGroup, keywords mcast_dst_ip
// and vrrp_mcast_group4), or an address of this host (unicast_src_ip). It may be called again for the same address, and
// at the same time as Read and Write. The kernel allows 20 IPv4 groups (net.ipv4.igmp_max_memberships).
func (c *VRRPConn) Listen(to netip.Addr) error {
	to = to.Unmap()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.listening[to] {
		return nil
	}
	if to.IsMulticast() {
		sender, err := c.sender(to)
		if err == nil {
			err = sender.join(to)
		}
		if err != nil {
			return fmt.Errorf("listen to %s on %s: %w", to, c.ifname, err)
		}
	}
	c.listening[to] = true
	return nil
}

func (c *VRRPConn) listens(to netip.Addr) bool {
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.listening[to]
}

// Read waits for the next VRRP datagram; one goroutine at a time may call it. Close ends it with an error that wraps
// net.ErrClosed; any other error leaves the connection usable.
func (c *VRRPConn) Read() (Packet, error) {
	for {
		n, from, err := c.wire.ReadFrom(c.buffer)
		switch {
		case errors.Is(err, unix.ENETDOWN):
			continue // reported once when the link goes down; packets come again when it is back
		case errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EBADF):
			return Packet{}, fmt.Errorf("read VRRP on %s: %w", c.ifname, net.ErrClosed)
		case err != nil:
			return Packet{}, fmt.Errorf("read VRRP on %s: %w", c.ifname, err)
		}
		p, ok := parseVRRP(c.buffer[:n])
		if !ok || !c.listens(p.Destination) {
			continue
		}
		if link, ok := from.(*packet.Addr); ok {
			p.EthernetSource = link.HardwareAddr
		}
		return p, nil
	}
}

// Close leaves the groups, ends a waiting Read and releases the sockets.
func (c *VRRPConn) Close() error {
	var failed []error
	if c.wire != nil {
		failed = append(failed, c.wire.Close())
	}
	for _, sender := range c.senders {
		failed = append(failed, sender.close())
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("close VRRP on %s: %w", c.ifname, err)
	}
	return nil
}

// addrFromIP turns the standard library's older address type into a netip.Addr; the zero Addr when it holds none.
func addrFromIP(ip net.IP) netip.Addr {
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		return netip.Addr{}
	}
	return addr.Unmap()
}
