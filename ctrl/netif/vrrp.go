package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

const (
	// vrrpReceiveBuffer (bytes) holds far more adverts than a scheduling delay of the daemon can pile up.
	vrrpReceiveBuffer = 1 << 20
	// vrrpMaxPayload (bytes) exceeds the longest VRRP message: 8 bytes, 255 addresses, 8 bytes of authentication.
	vrrpMaxPayload = 2048
	// vrrpTTL is the TTL that a receiver insists on (RFC 9568, 5.1.1.3): no router has forwarded the advert.
	vrrpTTL = 255
	// vrrpTOS is DSCP CS6, internetwork control, as keepalived sends it.
	vrrpTOS = 0xc0
	// vrrpPriority is TC_PRIO_INTERACTIVE (6): adverts leave before bulk traffic in the queue of a busy NIC.
	vrrpPriority = 6
)

// vrrpGroup is the IPv4 multicast address of VRRP (RFC 9568, 5.1.1.2).
var vrrpGroup = netip.AddrFrom4([4]byte{224, 0, 0, 18})

// ErrNoIPv4 is wrapped when an interface has no IPv4 address that could be the source of adverts.
var ErrNoIPv4 = errors.New("no IPv4 address")

// Packet is one received VRRP datagram. Nothing of it has been verified but the IPv4 header checksum.
type Packet struct {
	Source      netip.Addr
	Destination netip.Addr
	TTL         uint8
	Payload     []byte // the VRRP message, without the IPv4 header; owned by the receiver
}

// VRRPConn sends and receives VRRP adverts (IPv4, protocol 112) on one interface. It hears the adverts of every virtual
// router on the LAN but none that this host sends itself. Read and Write may be used at the same time.
//
// It outlives link down and up. When the interface is removed (WatchLinks tells), close it and open another.
type VRRPConn struct {
	conn   *ipv4.PacketConn
	ifname string
	source netip.Addr
}

// OpenVRRP opens a VRRP socket on an interface and joins 224.0.0.18 there. Adverts are sent from source, which must be
// an address of this host; the zero Addr stands for the interface's first IPv4 address (keyword mcast_src_ip). The error
// wraps ErrNoInterface or ErrNoIPv4. Needs CAP_NET_RAW, and CAP_NET_ADMIN for the receive buffer.
func OpenVRRP(ifname string, source netip.Addr) (*VRRPConn, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("open VRRP: %w", err)
	}
	if !source.IsValid() {
		if source, err = PrimaryAddress(ifname, nil); err != nil {
			return nil, fmt.Errorf("open VRRP: %w", err)
		}
	}
	if source = source.Unmap(); !source.Is4() {
		return nil, fmt.Errorf("open VRRP on %s: source %s is not IPv4", ifname, source)
	}
	conn, err := listenVRRP(ifname, link.Attrs().Index, source)
	if err != nil {
		return nil, fmt.Errorf("open VRRP on %s: %w", ifname, err)
	}
	return &VRRPConn{conn: conn, ifname: ifname, source: source}, nil
}

func listenVRRP(ifname string, index int, source netip.Addr) (*ipv4.PacketConn, error) {
	var failed error
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		// Before bind, so that not one packet of another interface is queued.
		if err := raw.Control(func(fd uintptr) { failed = setVRRPOptions(int(fd), ifname, index, source) }); err != nil {
			return err
		}
		return failed
	}}
	listener, err := config.ListenPacket(context.Background(), "ip4:112", "0.0.0.0")
	if err != nil {
		return nil, err
	}
	conn := ipv4.NewPacketConn(listener)
	if err := conn.SetControlMessage(ipv4.FlagTTL|ipv4.FlagDst, true); err != nil {
		return nil, errors.Join(fmt.Errorf("ask for the TTL of adverts: %w", err), conn.Close())
	}
	return conn, nil
}

func setVRRPOptions(fd int, ifname string, index int, source netip.Addr) error {
	outgoing := unix.IPMreqn{Address: source.As4(), Ifindex: int32(index)}
	group := unix.IPMreqn{Multiaddr: vrrpGroup.As4(), Ifindex: int32(index)}
	for _, option := range []struct {
		name string
		err  error
	}{
		{"bind to device", unix.BindToDevice(fd, ifname)},
		{"set receive buffer", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, vrrpReceiveBuffer)},
		{"set TOS", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, vrrpTOS)},
		// After IP_TOS, which sets a priority of its own.
		{"set priority", unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, vrrpPriority)},
		{"set multicast TTL", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_TTL, vrrpTTL)},
		{"turn multicast loop off", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_LOOP, 0)},
		// Fixes the source of what is sent; bind to it would keep multicast from being received.
		{"set multicast source " + source.String(), unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_IF, &outgoing)},
		{"join " + vrrpGroup.String(), unix.SetsockoptIPMreqn(fd, unix.IPPROTO_IP, unix.IP_ADD_MEMBERSHIP, &group)},
	} {
		if option.err != nil {
			return fmt.Errorf("%s: %w", option.name, os.NewSyscallError("setsockopt", option.err))
		}
	}
	return nil
}

// Source returns the address that adverts are sent from: the own primary address of the election.
func (c *VRRPConn) Source() netip.Addr { return c.source }

// Read waits for the next VRRP datagram. Close ends it with an error that wraps net.ErrClosed; any other error leaves
// the connection usable.
func (c *VRRPConn) Read() (Packet, error) {
	buffer := make([]byte, vrrpMaxPayload)
	n, control, from, err := c.conn.ReadFrom(buffer)
	if err != nil {
		return Packet{}, fmt.Errorf("read VRRP on %s: %w", c.ifname, err)
	}
	source, ok := from.(*net.IPAddr)
	if !ok || control == nil {
		return Packet{}, fmt.Errorf("read VRRP on %s: datagram without source or TTL", c.ifname)
	}
	return Packet{
		Source:      addrFromIP(source.IP),
		Destination: addrFromIP(control.Dst),
		TTL:         uint8(control.TTL),
		Payload:     buffer[:n],
	}, nil
}

// Write sends one VRRP message to 224.0.0.18. It fails while the interface is down and when the source address is no
// longer on this host (ENETDOWN, ENETUNREACH or EINVAL, as the kernel likes); the connection stays usable.
func (c *VRRPConn) Write(payload []byte) error {
	if _, err := c.conn.WriteTo(payload, nil, &net.IPAddr{IP: vrrpGroup.AsSlice()}); err != nil {
		return fmt.Errorf("write VRRP from %s on %s: %w", c.source, c.ifname, err)
	}
	return nil
}

// Close leaves the group, ends a waiting Read and releases the socket.
func (c *VRRPConn) Close() error {
	if err := c.conn.Close(); err != nil {
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
