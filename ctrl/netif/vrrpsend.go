package netif

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/bpf"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

// vrrpPriority is TC_PRIO_INTERACTIVE (6): adverts leave before bulk traffic in the queue of a busy NIC.
const vrrpPriority = 6

// VRRPPath is the way that the adverts of one virtual router take.
type VRRPPath struct {
	// Source is the address that adverts are sent from, by which a tie is decided (mcast_src_ip, unicast_src_ip): one of the
	// interface, see PrimaryAddress, and for IPv6 multicast the link-local one (RFC 9568, 5.1.2.1), see LinkLocalAddress.
	Source netip.Addr
	// Destination is the multicast group or a peer (unicast_peer), of the same family.
	Destination netip.Addr
	// TTL is the TTL or hop limit; zero stands for 255, as RFC 9568 wants it (unicast_ttl).
	TTL uint8
	// VMAC is the index of the virtual MAC's device, from which the adverts leave; zero for the interface itself, as with
	// vmac_xmit_base. A unicast path has none.
	VMAC int
}

// vrrpSender sends the adverts of one family and holds its group memberships. Its methods may be used at the same time.
type vrrpSender interface {
	serves(to netip.Addr) bool
	join(group netip.Addr) error
	write(payload []byte, path VRRPPath) error
	close() error
}

// Write sends one VRRP message. It fails while the interface is down (ENETDOWN or ENETUNREACH, as the kernel likes); the
// connection stays usable. It does not notice that the source is no longer an address of this host: WatchAddresses tells.
func (c *VRRPConn) Write(payload []byte, path VRRPPath) error {
	path.Source, path.Destination = path.Source.Unmap(), path.Destination.Unmap()
	if path.TTL == 0 {
		path.TTL = vrrpTTL
	}
	if err := c.write(payload, path); err != nil {
		return fmt.Errorf("write VRRP from %s to %s on %s: %w", path.Source, path.Destination, c.ifname, err)
	}
	return nil
}

func (c *VRRPConn) write(payload []byte, path VRRPPath) error {
	if !path.Source.IsValid() || path.Source.Is6() != path.Destination.Is6() {
		return errors.New("not two addresses of one family")
	}
	sender, err := c.sender(path.Destination)
	if err != nil {
		return err
	}
	return sender.write(payload, path)
}

// listenIP opens a raw socket with options set, which hears nothing itself.
func listenIP(network string, options func(fd int) error) (net.PacketConn, error) {
	deaf, err := kernelFilter([]bpf.Instruction{bpf.RetConstant{Val: 0}})
	if err != nil {
		return nil, err
	}
	var failed error
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		err := raw.Control(func(fd uintptr) {
			failed = errors.Join(
				os.NewSyscallError("turn receiving off", unix.SetsockoptSockFprog(int(fd), unix.SOL_SOCKET, unix.SO_ATTACH_FILTER, deaf)),
				options(int(fd)),
				// After the TOS, which sets a priority of its own.
				os.NewSyscallError("set priority", unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_PRIORITY, vrrpPriority)),
			)
		})
		return errors.Join(err, failed)
	}}
	return config.ListenPacket(context.Background(), network, "")
}

// vrrpSender4 writes the IPv4 header itself, because the TTL may differ from one virtual router to the other.
type vrrpSender4 struct {
	conn  *ipv4.RawConn
	index int
	id    atomic.Uint32 // of the last packet, whose lower half is in the header
}

func newVRRPSender4(index int) (vrrpSender, error) {
	listener, err := listenIP("ip4:112", func(fd int) error {
		return os.NewSyscallError("set TOS", unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_TOS, vrrpTOS))
	})
	if err != nil {
		return nil, err
	}
	conn, err := ipv4.NewRawConn(listener)
	if err == nil {
		err = conn.SetMulticastLoopback(false)
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return &vrrpSender4{conn: conn, index: index}, nil
}

func (s *vrrpSender4) serves(to netip.Addr) bool { return to.Is4() }

func (s *vrrpSender4) join(group netip.Addr) error {
	return s.conn.JoinGroup(&net.Interface{Index: s.index}, &net.IPAddr{IP: group.AsSlice()})
}

func (s *vrrpSender4) write(payload []byte, path VRRPPath) error {
	header := &ipv4.Header{
		Version: ipv4.Version, Len: ipv4.HeaderLen, TOS: vrrpTOS, TotalLen: ipv4.HeaderLen + len(payload), ID: int(uint16(s.id.Add(1))),
		TTL: int(path.TTL), Protocol: vrrpProtocol, Src: path.Source.AsSlice(), Dst: path.Destination.AsSlice(),
	}
	return s.conn.WriteTo(header, payload, &ipv4.ControlMessage{Src: header.Src, IfIndex: cmp.Or(path.VMAC, s.index)})
}

func (s *vrrpSender4) close() error { return s.conn.Close() }

// vrrpSender6 lets the kernel write the header. It leaves the checksum alone, as of every protocol but ICMPv6.
type vrrpSender6 struct {
	conn  *ipv6.PacketConn
	index int
}

func newVRRPSender6(index int) (vrrpSender, error) {
	listener, err := listenIP("ip6:112", func(fd int) error {
		// The link-local address is the interface's and not that of the virtual MAC's device, from which it is sent.
		return os.NewSyscallError("set free bind", unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_FREEBIND, 1))
	})
	if err != nil {
		return nil, err
	}
	conn := ipv6.NewPacketConn(listener)
	if err := conn.SetMulticastLoopback(false); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return &vrrpSender6{conn: conn, index: index}, nil
}

func (s *vrrpSender6) serves(to netip.Addr) bool { return to.Is6() }

func (s *vrrpSender6) join(group netip.Addr) error {
	return s.conn.JoinGroup(&net.Interface{Index: s.index}, &net.IPAddr{IP: group.AsSlice()})
}

func (s *vrrpSender6) write(payload []byte, path VRRPPath) error {
	control := &ipv6.ControlMessage{
		TrafficClass: vrrpTOS, HopLimit: int(path.TTL), Src: path.Source.AsSlice(), IfIndex: cmp.Or(path.VMAC, s.index),
	}
	_, err := s.conn.WriteTo(payload, control, &net.IPAddr{IP: path.Destination.AsSlice()})
	return err
}

func (s *vrrpSender6) close() error { return s.conn.Close() }
