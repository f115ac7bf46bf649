package netif

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"golang.org/x/sys/unix"
)

// Announcer tells the LANs of this host's Ethernet interfaces where VIPs are. It is one socket for all of them, which hears
// nothing and need not be opened anew as interfaces come and go. One goroutine at a time may use it.
type Announcer struct{ fd int }

// OpenAnnouncer opens the socket. Needs CAP_NET_RAW.
func OpenAnnouncer() (*Announcer, error) {
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open a socket for announcements: %w", os.NewSyscallError("socket", err))
	}
	a := &Announcer{fd: fd}
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_PRIORITY, vrrpPriority); err != nil {
		return nil, errors.Join(fmt.Errorf("open a socket for announcements: set priority: %w", err), a.Close())
	}
	return a, nil
}

// Announce tells the LAN of an interface that a VIP is there at a virtual MAC, or at the interface's own with nil. A virtual
// MAC is also the frame's source, from which switches learn its port. It does not wait: an error may say that too much is
// to be sent already. The error wraps ErrNoInterface when the interface is gone.
//
// For IPv4 that is a broadcast gratuitous ARP request as keepalived sends it, with the VIP as sender and target, and
// ff:ff:ff:ff:ff:ff as target hardware address (RFC 5944, 4.6). For IPv6 it is an unsolicited neighbor advertisement that
// overrides what other hosts know (RFC 4861, 7.2.6), sent in the name of the VIP as keepalived does. It is that of a router
// where the interface forwards (net.ipv6.conf.IFNAME.forwarding), but not at a virtual MAC, for which the kernel, too,
// answers as a host (VMACs.Add).
func (a *Announcer) Announce(on LinkInfo, vip netip.Addr, mac net.HardwareAddr) error {
	if err := a.announce(on, vip, mac); err != nil {
		return fmt.Errorf("announce %s on %s: %w", vip, on.Name, err)
	}
	return nil
}

func (a *Announcer) announce(on LinkInfo, vip netip.Addr, mac net.HardwareAddr) error {
	router := false
	if mac == nil {
		mac = on.MAC
		router = vip.Is6() && forwardsIPv6(on.Name)
	}
	if len(mac) != 6 {
		return errors.New("not an Ethernet interface")
	}
	frame, err := announcement(mac, vip, router)
	if err != nil {
		return err
	}
	data, err := frame.MarshalBinary()
	if err != nil {
		return err
	}
	to := &unix.SockaddrLinklayer{Ifindex: on.Index, Halen: uint8(len(frame.Destination))}
	copy(to.Addr[:], frame.Destination)
	switch err := unix.Sendto(a.fd, data, 0, to); {
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("interface removed: %w", ErrNoInterface)
	case err != nil:
		return os.NewSyscallError("sendto", err)
	}
	return nil
}

// forwardsIPv6 tells whether an interface is a router's. Without IPv6 there is no such setting, and no router.
func forwardsIPv6(ifname string) bool {
	forwarding, err := readSysctl("ipv6", ifname, "forwarding")
	return err == nil && forwarding != "0"
}

// announcement is what goes on the wire; router is about IPv6 alone.
func announcement(mac net.HardwareAddr, vip netip.Addr, router bool) (*ethernet.Frame, error) {
	if vip.Is6() {
		return &ethernet.Frame{
			Destination: multicastMAC(allHosts), Source: mac, EtherType: ethernet.EtherTypeIPv6, Payload: advertisement(mac, vip, router),
		}, nil
	}
	request, err := arp.NewPacket(arp.OperationRequest, mac, vip, ethernet.Broadcast, vip)
	if err != nil {
		return nil, err
	}
	payload, err := request.MarshalBinary()
	if err != nil {
		return nil, err
	}
	return &ethernet.Frame{
		Destination: ethernet.Broadcast, Source: mac, EtherType: ethernet.EtherTypeARP, Payload: payload,
	}, nil
}

// Close releases the socket.
func (a *Announcer) Close() error { return os.NewSyscallError("close", unix.Close(a.fd)) }
