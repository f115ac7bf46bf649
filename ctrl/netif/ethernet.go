package netif

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/mdlayher/ethernet"
	"github.com/mdlayher/packet"
	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// etherConn sends and hears the frames of one protocol on one Ethernet interface: what ARP and NDP have in common.
type etherConn struct {
	conn     *packet.Conn
	ifname   string
	protocol etherProtocol
}

// etherProtocol is what an etherConn carries.
type etherProtocol struct {
	name      string // for errors
	etherType ethernet.EtherType
	filter    []bpf.RawInstruction // what the kernel queues; nil for all of the EtherType
	parse     func(frame []byte) (Observation, bool)
}

func openEthernet(ifname string, protocol etherProtocol) (*etherConn, error) {
	link, err := linkByName(ifname)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", protocol.name, err)
	}
	attrs := link.Attrs()
	if len(attrs.HardwareAddr) != 6 || attrs.RawFlags&unix.IFF_LOOPBACK != 0 {
		return nil, fmt.Errorf("open %s on %s: not an Ethernet interface", protocol.name, ifname)
	}
	ifi := &net.Interface{Index: attrs.Index, Name: ifname, HardwareAddr: attrs.HardwareAddr}
	conn, err := packet.Listen(ifi, packet.Raw, int(protocol.etherType), &packet.Config{Filter: protocol.filter})
	if err != nil {
		return nil, fmt.Errorf("open %s on %s: %w", protocol.name, ifname, err)
	}
	return &etherConn{conn: conn, ifname: ifname, protocol: protocol}, nil
}

// send puts a payload on the wire from the interface's present MAC, which build is given.
func (c *etherConn) send(destination net.HardwareAddr, build func(source net.HardwareAddr) ([]byte, error)) error {
	source, err := c.hardwareAddr()
	if err != nil {
		return err
	}
	payload, err := build(source)
	if err != nil {
		return err
	}
	frame := ethernet.Frame{Destination: destination, Source: source, EtherType: c.protocol.etherType, Payload: payload}
	data, err := frame.MarshalBinary()
	if err != nil {
		return err
	}
	_, err = c.conn.WriteTo(data, &packet.Addr{HardwareAddr: destination})
	if errors.Is(err, unix.ENETDOWN) {
		// The socket may just be reporting that the link was down earlier; it does so once.
		_, err = c.conn.WriteTo(data, &packet.Addr{HardwareAddr: destination})
	}
	return err
}

// Run hands every packet of the protocol that other hosts send to handle, until ctx is done (nil) or Close is called (an
// error that wraps net.ErrClosed). Call it once.
func (c *etherConn) Run(ctx context.Context, handle func(Observation)) error {
	stop := context.AfterFunc(ctx, func() {
		// Fails only on a closed socket, whose read ends anyhow.
		_ = c.conn.SetReadDeadline(time.Unix(0, 1))
	})
	defer stop()
	for {
		observation, ok, err := c.read()
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, unix.ENETDOWN):
			// Reported once when the link goes down; packets come again when it is back.
		case err != nil:
			return fmt.Errorf("read %s on %s: %w", c.protocol.name, c.ifname, err)
		case ok:
			handle(observation)
		}
	}
}

// read waits for one frame; ok is false when it is none to report.
func (c *etherConn) read() (observation Observation, ok bool, err error) {
	const largest = 1514 // bytes: a frame of the usual MTU, which both protocols keep far below
	buffer := make([]byte, largest)
	n, _, err := c.conn.ReadFrom(buffer)
	if errors.Is(err, os.ErrClosed) || errors.Is(err, unix.EBADF) {
		err = net.ErrClosed // which of the three comes depends on how far the read had got
	}
	if err != nil {
		return Observation{}, false, err
	}
	observation, ok = c.protocol.parse(buffer[:n])
	if !ok {
		return Observation{}, false, nil
	}
	// A hub or a mirror port can bring back what this host sent.
	mac, err := c.hardwareAddr()
	own := err == nil && bytes.Equal(observation.EthernetSource, mac)
	return observation, !own, nil
}

// hardwareAddr returns the present MAC of the socket's interface.
func (c *etherConn) hardwareAddr() (net.HardwareAddr, error) {
	raw, err := c.conn.SyscallConn()
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
func (c *etherConn) Close() error {
	if err := c.conn.Close(); err != nil {
		return fmt.Errorf("close %s on %s: %w", c.protocol.name, c.ifname, err)
	}
	return nil
}

func (c *etherConn) interfaceName() string { return c.ifname }
