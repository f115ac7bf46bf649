package testbed

import (
	"context"
	"errors"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

// Dial connects from the host, as net.Dialer.DialContext. The address must be numeric: names are not resolved on the
// host. It fits http.Transport's DialContext.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	return h.DialFrom(ctx, &net.Dialer{}, network, address)
}

// DialFrom is Dial with a dialer of the caller's.
func (h *Host) DialFrom(ctx context.Context, dialer *net.Dialer, network, address string) (conn net.Conn, err error) {
	err = h.Do(func() error {
		conn, err = dialer.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen listens on the host, as net.Listen. The caller closes the listener before the host is turned off.
func (h *Host) Listen(network, address string) (listener net.Listener, err error) {
	err = h.Do(func() error {
		listener, err = net.Listen(network, address)
		return err
	})
	return listener, err
}

// ListenPacket listens for datagrams on the host, as net.ListenPacket.
func (h *Host) ListenPacket(network, address string) (conn net.PacketConn, err error) {
	err = h.Do(func() error {
		conn, err = net.ListenPacket(network, address)
		return err
	})
	return conn, err
}

// Send sends an Ethernet frame out of the host's first interface, as it is: from the destination MAC on, without check
// sequence, and with whatever VLAN tags and padding it has.
func (h *Host) Send(frame []byte) error {
	err := h.Do(func() error {
		device, err := net.InterfaceByName(h.Interface())
		if err != nil {
			return err
		}
		fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0) // protocol 0 receives nothing
		if err != nil {
			return err
		}
		err = unix.Sendto(fd, frame, 0, &unix.SockaddrLinklayer{Ifindex: device.Index})
		return errors.Join(err, unix.Close(fd))
	})
	if err != nil {
		return fmt.Errorf("send a frame from %s: %w", h.Name(), err)
	}
	return nil
}
