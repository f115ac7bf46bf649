package netif

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// VRRPConn is VRRP (protocol 112) on one interface: one conn serves all its virtual routers of both families, on virtual
// MACs too. It hears every advert on the LAN that is sent to where it listens, and none that this host sends.
//
// Open one per interface, let one goroutine Receive, and give each packet to the virtual router whose family and identifier
// it carries; every virtual router says Listen for itself, and Writes along its own VRRPPath. This costs two or three
// sockets, however many virtual routers there are.
//
// Receive does not wait: whoever keeps timers must know what has come before a timer is looked at. Where the runtime of Go
// waits for a socket and wakes a goroutine up, an advert may lie there meanwhile.
//
// It outlives link down and up, and another name. When the interface is removed (WatchLinks tells), close it and open
// another.
type VRRPConn struct {
	ifname  string
	wire    int          // the file descriptor of the socket that hears
	buffer  []byte       // of Receive
	senders []vrrpSender // of each family that the kernel has

	mu        sync.RWMutex
	listening map[netip.Addr]bool

	receiving sync.Mutex // held while the wire is read
	closed    bool
}

// noSocket is the file descriptor of none.
const noSocket = -1

// OpenVRRP opens VRRP on an interface, which needs no address yet. It hears nothing before Listen. The error wraps
// ErrNoInterface. Needs CAP_NET_RAW, and CAP_NET_ADMIN for the receive buffer.
func OpenVRRP(ifname string) (*VRRPConn, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("open VRRP: %w", err)
	}
	c := &VRRPConn{
		ifname: ifname, wire: noSocket, buffer: make([]byte, vrrpLargest), listening: make(map[netip.Addr]bool),
	}
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
func openWire(index int) (wire int, err error) {
	filter, err := kernelFilter(onlyVRRP)
	if err != nil {
		return noSocket, err
	}
	// Without a protocol it hears nothing yet: nothing comes before the filter.
	wire, err = unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return noSocket, os.NewSyscallError("socket", err)
	}
	err = errors.Join(
		os.NewSyscallError("set filter", unix.SetsockoptSockFprog(wire, unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, filter)),
		// The filter would drop them, but not before each packet that this host sends is cloned.
		os.NewSyscallError("ignore what is sent", unix.SetsockoptInt(wire, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1)),
		os.NewSyscallError("set receive buffer", unix.SetsockoptInt(wire, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, vrrpReceiveBuffer)),
	)
	if err == nil {
		everything := &unix.SockaddrLinklayer{Protocol: networkOrder(unix.ETH_P_ALL), Ifindex: index}
		err = os.NewSyscallError("bind", unix.Bind(wire, everything))
	}
	if err != nil {
		return noSocket, errors.Join(err, os.NewSyscallError("close", unix.Close(wire)))
	}
	return wire, nil
}

// kernelFilter is a filter as the kernel takes it.
func kernelFilter(program []bpf.Instruction) (*unix.SockFprog, error) {
	raw, err := bpf.Assemble(program)
	if err != nil {
		return nil, fmt.Errorf("assemble filter: %w", err)
	}
	filter := make([]unix.SockFilter, 0, len(raw))
	for _, i := range raw {
		filter = append(filter, unix.SockFilter{Code: i.Op, Jt: i.Jt, Jf: i.Jf, K: i.K})
	}
	return &unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}, nil
}

// networkOrder is a number as the network has it, most significant byte first.
func networkOrder(n uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, n))
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

// Descriptor is the file that can be read when Receive has something, until Close. It is not to be read otherwise.
func (c *VRRPConn) Descriptor() int { return c.wire }

// Receive takes the next VRRP datagram that waits; ok is false when there is none. One that nobody listens for is taken as a
// zero Packet, so that whoever counts them bounds the work. One goroutine at a time may call it. After Close the error wraps
// net.ErrClosed; any other error leaves the connection usable.
func (c *VRRPConn) Receive() (p Packet, ok bool, err error) {
	c.receiving.Lock()
	defer c.receiving.Unlock()
	n, from, ok, err := c.take(c.buffer)
	if !ok {
		return Packet{}, false, err
	}
	p, ok = parseVRRP(c.buffer[:n])
	if !ok || !c.listens(p.Destination) {
		return Packet{}, true, nil
	}
	p.EthernetSource = linkAddressOf(from)
	return p, true, nil
}

// Discard throws away the datagrams that wait, and tells how many it was and how many the kernel had no room for since it was
// called last. It may be called at the same time as Receive. The errors are those of Receive.
func (c *VRRPConn) Discard() (lost uint64, err error) {
	c.receiving.Lock()
	defer c.receiving.Unlock()
	for range vrrpReceiveBuffer / shortestSize { // more may come for ever
		_, _, ok, err := c.take(nil)
		if err != nil {
			return lost, err
		}
		if !ok {
			break
		}
		lost++
	}
	stats, err := unix.GetsockoptTpacketStats(c.wire, unix.SOL_PACKET, unix.PACKET_STATISTICS)
	if err != nil {
		return lost, fmt.Errorf("count lost VRRP on %s: %w", c.ifname, os.NewSyscallError("getsockopt", err))
	}
	return lost + uint64(stats.Drops), nil
}

// take reads the next datagram that waits.
func (c *VRRPConn) take(into []byte) (n int, from unix.Sockaddr, ok bool, err error) {
	for !c.closed {
		n, from, err := unix.Recvfrom(c.wire, into, 0)
		switch {
		case errors.Is(err, unix.EAGAIN):
			return 0, nil, false, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.ENETDOWN):
			continue // the latter is reported once when the link goes down; packets come again when it is back
		case err != nil:
			return 0, nil, false, fmt.Errorf("read VRRP on %s: %w", c.ifname, os.NewSyscallError("recvfrom", err))
		}
		return n, from, true, nil
	}
	return 0, nil, false, fmt.Errorf("read VRRP on %s: %w", c.ifname, net.ErrClosed)
}

// linkAddressOf is the MAC that a packet comes from; nil for a link without.
func linkAddressOf(from unix.Sockaddr) net.HardwareAddr {
	link, ok := from.(*unix.SockaddrLinklayer)
	if !ok {
		return nil
	}
	return slices.Clone(link.Addr[:min(int(link.Halen), len(link.Addr))])
}

// Close leaves the groups and releases the sockets. No one may wait for the Descriptor any more.
func (c *VRRPConn) Close() error {
	failed := []error{c.closeWire()}
	for _, sender := range c.senders {
		failed = append(failed, sender.close())
	}
	if err := errors.Join(failed...); err != nil {
		return fmt.Errorf("close VRRP on %s: %w", c.ifname, err)
	}
	return nil
}

func (c *VRRPConn) closeWire() error {
	c.receiving.Lock()
	closed := c.closed
	c.closed = true
	c.receiving.Unlock() // before the closing, for which the kernel takes its time
	switch {
	case closed:
		return net.ErrClosed
	case c.wire == noSocket:
		return nil
	default:
		return os.NewSyscallError("close", unix.Close(c.wire))
	}
}

// addrFromIP turns the standard library's older address type into a netip.Addr; the zero Addr when it holds none.
func addrFromIP(ip net.IP) netip.Addr {
	addr, ok := netip.AddrFromSlice(ip)
	if !ok {
		return netip.Addr{}
	}
	return addr.Unmap()
}
