package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
	"golang.org/x/sys/unix"
)

func TestHostDialerCarriesMessagesOfPing(t *testing.T) {
	requireRoot(t)
	for _, test := range []struct {
		address        string
		request, reply icmp.Type
		protocol       int
	}{
		{"127.0.0.1:0", ipv4.ICMPTypeEcho, ipv4.ICMPTypeEchoReply, unix.IPPROTO_ICMP},
		{"[::1]:80", ipv6.ICMPTypeEchoRequest, ipv6.ICMPTypeEchoReply, unix.IPPROTO_ICMPV6},
	} {
		t.Run(test.address, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			conn, err := HostDialer{}.DialContext(ctx, "icmp", test.address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			message, err := (&icmp.Message{Type: test.request, Body: &icmp.Echo{ID: 4711, Seq: 1, Data: []byte("hello")}}).Marshal(nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := conn.Write(message); err != nil {
				t.Fatal(err)
			}
			for packet := make([]byte, 512); ; { // of the loopback address one hears oneself, too
				n, err := conn.Read(packet)
				if err != nil {
					t.Fatal(err)
				}
				heard, err := icmp.ParseMessage(test.protocol, packet[:n])
				if err != nil {
					t.Fatal(err)
				}
				if echo, ok := heard.Body.(*icmp.Echo); heard.Type == test.reply && ok && echo.ID == 4711 && string(echo.Data) == "hello" {
					return
				}
			}
		})
	}
}

func TestHostDialerGoesFromWhereItIsTold(t *testing.T) {
	balancer, server := newLAN(t)
	balancer.addAddress("192.168.100.211/24")
	var listener *net.TCPListener
	server.must(func() (err error) {
		listener, err = net.ListenTCP("tcp", net.TCPAddrFromAddrPort(netip.MustParseAddrPort("192.168.100.150:80")))
		return err
	})
	defer listener.Close()
	for _, test := range []struct {
		name   string
		dialer HostDialer
		want   string // address, or address and port
	}{
		{"the kernel's choice", HostDialer{}, "192.168.100.210"},
		{"an address", HostDialer{From: netip.MustParseAddrPort("192.168.100.211:0")}, "192.168.100.211"},
		{"an address and a port", HostDialer{From: netip.MustParseAddrPort("192.168.100.211:4711")}, "192.168.100.211:4711"},
		{"a port", HostDialer{From: netip.AddrPortFrom(netip.Addr{}, 4712)}, "192.168.100.210:4712"},
		{"an interface", HostDialer{Interface: testInterface}, "192.168.100.210"},
		{"a mark", HostDialer{Mark: 7}, "192.168.100.210"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for range 3 { // one after the other, each closed before the server closes
				err := <-balancer.start(func() error {
					ctx, cancel := context.WithTimeout(t.Context(), deadline)
					defer cancel()
					conn, err := test.dialer.DialContext(ctx, "tcp", "192.168.100.150:80")
					if err != nil {
						return err
					}
					from := conn.LocalAddr().(*net.TCPAddr).AddrPort()
					if got := from.String(); got != test.want && from.Addr().String() != test.want {
						err = fmt.Errorf("from %s, want %s", got, test.want)
					}
					return errors.Join(err, conn.Close())
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestHostDialerMarksItsPackets(t *testing.T) {
	balancer, server := newLAN(t)
	const mark, table = 7, 4711
	// The only route to there is for marked packets.
	balancer.must(func() error {
		rule := netlink.NewRule()
		rule.Mark, rule.Table = mark, table
		if err := netlink.RuleAdd(rule); err != nil {
			return err
		}
		_, everywhere, err := net.ParseCIDR("198.51.100.1/32")
		if err != nil {
			return err
		}
		link, err := netlink.LinkByName(testInterface)
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{LinkIndex: link.Attrs().Index, Dst: everywhere, Table: table})
	})
	server.addAddress("198.51.100.1/32")
	for _, network := range []string{"tcp", "udp", "icmp"} {
		balancer.must(func() error {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			if _, err := (HostDialer{}).DialContext(ctx, network, "198.51.100.1:80"); !errors.Is(err, syscall.ENETUNREACH) {
				return fmt.Errorf("%s without a mark: %v, want %v", network, err, syscall.ENETUNREACH)
			}
			conn, err := HostDialer{Mark: mark}.DialContext(ctx, network, "198.51.100.1:80")
			if errors.Is(err, syscall.ECONNREFUSED) { // which is an answer
				return nil
			}
			if err != nil {
				return fmt.Errorf("%s with the mark: %w", network, err)
			}
			return conn.Close()
		})
	}
}

// Every way to be told that nobody is there is told at once, and as what it is.
func TestHostDialerTellsOfICMPErrors(t *testing.T) {
	balancer, router := newLAN(t)
	route := func(destination string, kind int) {
		router.must(func() error {
			_, prefix, err := net.ParseCIDR(destination)
			if err != nil {
				return err
			}
			return netlink.RouteAdd(&netlink.Route{Dst: prefix, Type: kind})
		})
	}
	router.setSysctl("all/forwarding", "1")
	router.must(func() error { return os.WriteFile("/proc/sys/net/ipv4/icmp_ratelimit", []byte("0"), 0) })
	route("198.51.100.1/32", unix.RTN_UNREACHABLE)
	route("198.51.100.2/32", unix.RTN_PROHIBIT)
	balancer.must(func() error {
		_, prefix, err := net.ParseCIDR("198.51.100.0/24")
		if err != nil {
			return err
		}
		return netlink.RouteAdd(&netlink.Route{Dst: prefix, Gw: net.ParseIP("192.168.100.150")})
	})
	for _, test := range []struct {
		name, network, address string
		want                   syscall.Errno
	}{
		{"a port that is closed", "tcp", "192.168.100.150:80", syscall.ECONNREFUSED},
		{"a port that is closed", "udp", "192.168.100.150:80", syscall.ECONNREFUSED},
		{"a host that is not there", "tcp", "198.51.100.1:80", syscall.EHOSTUNREACH},
		{"a host that is not there", "udp", "198.51.100.1:80", syscall.EHOSTUNREACH},
		{"a host that is not there", "icmp", "198.51.100.1:0", syscall.EHOSTUNREACH},
		{"a host that must not be reached", "udp", "198.51.100.2:80", syscall.EHOSTUNREACH},
		{"a network that is not there", "udp", "198.51.100.3:80", syscall.ENETUNREACH},
	} {
		t.Run(test.name+" by "+test.network, func(t *testing.T) {
			err := <-balancer.start(func() error { return exchange(t.Context(), test.network, test.address) })
			if !errors.Is(err, test.want) {
				t.Errorf("told %v, want %v", err, test.want)
			}
		})
	}
}

// exchange sends something and returns the error of what came back. A router sends one ICMP error a second, after the
// first few: it asks again.
func exchange(ctx context.Context, network, address string) error {
	ctx, cancel := context.WithTimeout(ctx, deadline)
	defer cancel()
	conn, err := HostDialer{}.DialContext(ctx, network, address)
	if err != nil {
		return err
	}
	defer conn.Close()
	message, err := (&icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{}}).Marshal(nil)
	if err != nil {
		return err
	}
	for {
		if _, err := conn.Write(message); err != nil {
			return err
		}
		if err := conn.SetReadDeadline(time.Now().Add(deadline / 8)); err != nil {
			return err
		}
		if _, err := conn.Read(make([]byte, 512)); !errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			return err
		}
	}
}

func TestHostDialerRefusesWhatItCannotDo(t *testing.T) {
	requireRoot(t)
	if _, err := (HostDialer{}).DialContext(t.Context(), "sctp", "127.0.0.1:80"); err == nil {
		t.Error("dials SCTP")
	}
	if _, err := (HostDialer{}).DialContext(t.Context(), "tcp", "localhost:80"); err == nil {
		t.Error("looks up a name")
	}
	_, err := HostDialer{Interface: "nowhere"}.DialContext(t.Context(), "tcp", "127.0.0.1:80")
	if !errors.Is(err, syscall.ENODEV) {
		t.Errorf("by an interface that is not there: %v, want %v", err, syscall.ENODEV)
	}
	_, err = HostDialer{From: netip.MustParseAddrPort("198.51.100.7:0")}.DialContext(t.Context(), "tcp", "127.0.0.1:80")
	if !errors.Is(err, syscall.EADDRNOTAVAIL) {
		t.Errorf("from an address that is not there: %v, want %v", err, syscall.EADDRNOTAVAIL)
	}
}
