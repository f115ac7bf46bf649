package netif

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/mdlayher/arp"
	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/sys/unix"
)

// ARP sends and hears ARP packets (IPv4) on one Ethernet interface. Its methods may be used at the same time.
//
// It outlives link down and up, and follows a change of the interface's MAC. When the interface is removed (WatchLinks
// tells), close it and open another.
type ARP struct {
	conn   *packet.Conn
	ifname string
}

// OpenARP opens an ARP socket on an interface, which needs no address of its own. The error wraps ErrNoInterface when
// there is no such interface. Needs CAP_NET_RAW.
func OpenARP(ifname string) (*ARP, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("open ARP: %w", err)
	}
	attrs := link.Attrs()
	if len(attrs.HardwareAddr) != 6 || attrs.RawFlags&unix.IFF_LOOPBACK != 0 {
		return nil, fmt.Errorf("open ARP on %s: not an Ethernet interface", ifname)
	}
	ifi := &net.Interface{Index: attrs.Index, Name: ifname, HardwareAddr: attrs.HardwareAddr}
	conn, err := packet.Listen(ifi, packet.Raw, int(ethernet.EtherTypeARP), nil)
	if err != nil {
		return nil, fmt.Errorf("open ARP on %s: %w", ifname, err)
	}
	return &ARP{conn: conn, ifname: ifname}, nil
}

// Announce tells the LAN that a VIP is at this interface: a broadcast gratuitous ARP request as keepalived sends it,
// with the VIP as sender and target, and ff:ff:ff:ff:ff:ff as target hardware address (RFC 5944, 4.6).
func (a *ARP) Announce(vip netip.Addr) error {
	if err := a.send(vip, vip, ethernet.Broadcast, ethernet.Broadcast); err != nil {
		return fmt.Errorf("announce %s on %s: %w", vip, a.ifname, err)
	}
	return nil
}

// Request asks the LAN who has target, in the name of sender. The answer arrives at Run. Sender must be an address of
// this host and no VIP: everyone who hears a request learns its sender.
func (a *ARP) Request(sender, target netip.Addr) error {
	return a.requestFrom(sender, target, ethernet.Broadcast)
}

// Probe asks the LAN who has a VIP without claiming it: the sender is 0.0.0.0 (RFC 5227, 2.1.1). See ClaimedBy for the
// answers.
func (a *ARP) Probe(vip netip.Addr) error {
	return a.requestFrom(netip.IPv4Unspecified(), vip, ethernet.Broadcast)
}

func (a *ARP) requestFrom(sender, target netip.Addr, destination net.HardwareAddr) error {
	unknown := make(net.HardwareAddr, 6)
	if err := a.send(sender, target, unknown, destination); err != nil {
		return fmt.Errorf("ARP request for %s on %s: %w", target, a.ifname, err)
	}
	return nil
}

func (a *ARP) send(sender, target netip.Addr, targetMAC, destination net.HardwareAddr) error {
	mac, err := a.hardwareAddr()
	if err != nil {
		return err
	}
	request, err := arp.NewPacket(arp.OperationRequest, mac, sender, targetMAC, target)
	if err != nil {
		return err
	}
	payload, err := request.MarshalBinary()
	if err != nil {
		return err
	}
	frame := ethernet.Frame{Destination: destination, Source: mac, EtherType: ethernet.EtherTypeARP, Payload: payload}
	data, err := frame.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = a.conn.WriteTo(data, &packet.Addr{HardwareAddr: destination})
	if errors.Is(err, unix.ENETDOWN) {
		// The socket may just be reporting that the link was down earlier; it does so once.
		_, err = a.conn.WriteTo(data, &packet.Addr{HardwareAddr: destination})
	}
	return err
}

// Run hands every ARP packet that other hosts send to handle, until ctx is done (nil) or Close is called (an error that
// wraps net.ErrClosed). Call it once.
func (a *ARP) Run(ctx context.Context, handle func(Observation)) error {
	stop := context.AfterFunc(ctx, func() {
		// Fails only on a closed socket, whose read ends anyhow.
		_ = a.conn.SetReadDeadline(time.Unix(0, 1))
	})
	defer stop()
	for {
		observation, ok, err := a.read()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENETDOWN):
			// Reported once when the link goes down; packets come again when it is back.
		case err != nil:
			return fmt.Errorf("read ARP on %s: %w", a.ifname, err)
		case ok:
			handle(observation)
		}
	}
}

// read waits for one frame; ok is false when it is none to report.
func (a *ARP) read() (observation Observation, ok bool, err error) {
	const largest = 256 // an ARP packet takes 60 bytes with padding, more would be cut off
	buffer := make([]byte, largest)
	n, _, err := a.conn.ReadFrom(buffer)
	if errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EBADF) {
		err = net.ErrClosed // which of the three comes depends on how far the read had got
	}
	if err != nil {
		return Observation{}, false, err
	}
	observation, ok = parseARP(buffer[:n])
	if !ok {
		return Observation{}, false, nil
	}
	// A hub or a mirror port can bring back what this host sent.
	mac, err := a.hardwareAddr()
	own := err == nil && bytes.Equal(observation.EthernetSource, mac)
	return observation, !own, nil
}

// hardwareAddr returns the present MAC of the socket's interface.
func (a *ARP) hardwareAddr() (net.HardwareAddr, error) {
	raw, err := a.conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var (
		name   unix.Sockaddr
		failed error
	)
	if err := raw.Control(func(fd uintptr) { name, failed = unix.Getsockname(int(fd)) }); err != nil {
		return nil, err
	}
	if failed != nil {
		return nil, os.NewSyscallError("getsockname", failed)
	}
	local, ok := name.(*unix.SockaddrLinklayer)
	if !ok || local.Halen != 6 {
		// The kernel unbinds the socket of a removed interface.
		return nil, fmt.Errorf("interface removed: %w", ErrNoInterface)
	}
	return net.HardwareAddr(local.Addr[:6]), nil
}

// Close ends a Run and releases the socket.
func (a *ARP) Close() error {
	if err := a.conn.Close(); err != nil {
		return fmt.Errorf("close ARP on %s: %w", a.ifname, err)
	}
	return nil
}
