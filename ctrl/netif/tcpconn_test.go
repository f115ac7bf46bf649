package netif

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestTCPConnectionsCarryWhatIsSent(t *testing.T) {
	balancer, server := newLAN(t)
	addLinkLocal(balancer, "fe80::210/64")
	addLinkLocal(server, "fe80::150/64")
	var link int
	balancer.must(func() error {
		device, err := net.InterfaceByName(testInterface)
		if err == nil {
			link = device.Index
		}
		return err
	})
	for _, network := range []string{"tcp4", "tcp6"} {
		var listener net.Listener
		server.must(func() (err error) {
			listener, err = net.Listen(network, ":80")
			return err
		})
		defer listener.Close()
		go func() {
			for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() {
				_, _ = io.Copy(conn, conn) // until the other end has said all; what is lost the other end notices
				conn.Close()
			}
		}()
	}
	for name, address := range map[string]string{
		"IPv4":                              "192.168.100.150:80",
		"IPv4 written as IPv6":              "[::ffff:192.168.100.150]:80",
		"IPv6 of an interface":              "[fe80::150%" + testInterface + "]:80",
		"IPv6 of an interface by its index": fmt.Sprintf("[fe80::150%%%d]:80", link),
	} {
		t.Run(name, func(t *testing.T) {
			err := <-balancer.start(func() error {
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				return echo(ctx, address)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// addLinkLocal adds an address that can be used at once.
func addLinkLocal(h *host, prefix string) {
	h.t.Helper()
	h.must(func() error {
		device, err := netlink.LinkByName(testInterface)
		if err != nil {
			return err
		}
		address, err := netlink.ParseAddr(prefix)
		if err != nil {
			return err
		}
		address.Flags = unix.IFA_F_NODAD
		return netlink.AddrAdd(device, address)
	})
}

// echo says something and wants it back, and then the end.
func echo(ctx context.Context, address string) error {
	conn, err := HostDialer{}.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	defer conn.Close()
	to := netip.MustParseAddrPort(address)
	if got := conn.RemoteAddr().(*net.TCPAddr).AddrPort(); got != netip.AddrPortFrom(to.Addr().Unmap(), to.Port()) {
		return fmt.Errorf("connected to %v, want %v", got, to)
	}
	if err := conn.SetDeadline(time.Now().Add(deadline)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("hello")); err != nil {
		return err
	}
	back := make([]byte, len("hello"))
	if _, err := io.ReadFull(conn, back); err != nil || string(back) != "hello" {
		return fmt.Errorf("read %q, %w", back, err)
	}
	if err := conn.SetReadDeadline(time.Now()); err != nil {
		return err
	}
	var waited net.Error
	if _, err := conn.Read(back); !errors.As(err, &waited) || !waited.Timeout() {
		return fmt.Errorf("a read past its deadline: %v", err)
	}
	return nil
}

// A host that is there by its MAC and takes nothing: the connection waits until it is told not to.
func TestTCPConnectionsWaitAsLongAsTheirContext(t *testing.T) {
	balancer, _ := newLAN(t)
	balancer.must(func() error {
		device, err := netlink.LinkByName(testInterface)
		if err != nil {
			return err
		}
		return netlink.NeighAdd(&netlink.Neigh{
			LinkIndex: device.Attrs().Index, State: netlink.NUD_PERMANENT,
			IP: net.ParseIP("192.168.100.99"), HardwareAddr: mac("02:00:00:00:00:99"),
		})
	})
	dial := func(ctx context.Context) error {
		return <-balancer.start(func() error {
			conn, err := HostDialer{}.DialContext(ctx, "tcp", "192.168.100.99:80")
			if err == nil {
				err = errors.Join(errors.New("connected"), conn.Close())
			}
			return err
		})
	}
	t.Run("until its deadline", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := dial(ctx); !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("ended with %v, want a deadline that is exceeded", err)
		}
	})
	t.Run("until it is canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(50*time.Millisecond, cancel)
		if err := dial(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v, want %v", err, context.Canceled)
		}
	})
	t.Run("not at all when it has ended", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := dial(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v, want %v", err, context.Canceled)
		}
	})
}

// The kernel lets a socket connect to itself when it happens to choose the port that it is to connect to.
func TestATCPConnectionToItselfIsRefused(t *testing.T) {
	requireRoot(t)
	h := newHost(t)
	h.must(func() error {
		loopback, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetUp(loopback),
			os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("4711 4711"), 0))
	})
	h.must(func() error {
		ctx, cancel := context.WithTimeout(t.Context(), deadline)
		defer cancel()
		for _, address := range []string{"127.0.0.1:4711", "[::1]:4711"} {
			if _, err := (HostDialer{}).DialContext(ctx, "tcp", address); !errors.Is(err, syscall.ECONNREFUSED) {
				return fmt.Errorf("%s: %v, want %v", address, err, syscall.ECONNREFUSED)
			}
		}
		return nil
	})
}

func TestAZoneThatIsNotThereIsThisHostsFault(t *testing.T) {
	requireRoot(t)
	_, err := HostDialer{}.DialContext(t.Context(), "tcp", "[fe80::1%nowhere]:80")
	if !errors.Is(err, syscall.ENODEV) {
		t.Errorf("told %v, want %v", err, syscall.ENODEV)
	}
}
