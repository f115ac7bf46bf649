package netif

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

const (
	// testInterface is the name of the one interface of each host, as on the boxes of the tutorial.
	testInterface = "enp1s0"
	// deadline bounds every wait for a condition.
	deadline = 10 * time.Second
)

// host is a network namespace of its own, which is gone when the test is over.
type host struct {
	t     *testing.T
	ns    netns.NsHandle
	vmacs VMACs
}

// requireRoot skips a test that needs network namespaces, unless skipping is forbidden.
func requireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("DROVER_TEST_STRICT") == "1" {
		t.Fatal("needs root for network namespaces, and DROVER_TEST_STRICT forbids to skip")
	}
	t.Skip("needs root for network namespaces")
}

// newLAN connects two hosts by a cable: 192.168.100.210/24 and 192.168.100.150/24, with the MACs of the tutorial.
func newLAN(t *testing.T) (balancer, server *host) {
	t.Helper()
	requireRoot(t)
	balancer, server = newHost(t), newHost(t)
	balancer.must(func() error {
		return netlink.LinkAdd(&netlink.Veth{
			LinkAttrs:        netlink.LinkAttrs{Name: testInterface, HardwareAddr: mac("00:0d:b9:41:e5:40")},
			PeerName:         testInterface,
			PeerHardwareAddr: mac("b8:27:eb:b3:bb:e1"),
			PeerNamespace:    netlink.NsFd(int(server.ns)),
		})
	})
	balancer.addAddress("192.168.100.210/24")
	server.addAddress("192.168.100.150/24")
	for _, h := range []*host{balancer, server} {
		h.withLink(netlink.LinkSetUp)
	}
	balancer.awaitCarrier(testInterface)
	server.awaitCarrier(testInterface)
	return balancer, server
}

func newHost(t *testing.T) *host {
	t.Helper()
	h := &host{t: t}
	onThread(t, func() (err error) {
		h.ns, err = netns.New()
		return err
	})
	t.Cleanup(func() {
		if err := h.ns.Close(); err != nil {
			t.Errorf("close namespace: %v", err)
		}
	})
	return h
}

// onThread runs a function on an OS thread that ends with it, so that no other test inherits its namespace.
func onThread(t *testing.T, f func() error) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- f()
	}()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// must runs a function inside the host and fails the test on an error.
func (h *host) must(f func() error) {
	h.t.Helper()
	onThread(h.t, func() error { return h.inside(f) })
}

// start runs a function inside the host; its result comes over the channel.
func (h *host) start(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		done <- h.inside(f)
	}()
	return done
}

func (h *host) inside(f func() error) error {
	if err := netns.Set(h.ns); err != nil {
		return err
	}
	return f()
}

func (h *host) addAddress(prefix string) {
	h.t.Helper()
	h.must(func() error {
		_, err := AddAddress(testInterface, Address{Prefix: netip.MustParsePrefix(prefix)})
		return err
	})
}

// setUp sets the interface up or down. When it returns an interface that is up carries frames, given that its peer is up.
func (h *host) setUp(up bool) {
	h.t.Helper()
	if !up {
		h.withLink(netlink.LinkSetDown)
		return
	}
	h.withLink(netlink.LinkSetUp)
	h.awaitCarrier(testInterface)
}

// awaitCarrier waits until the interface carries frames: until then the kernel takes what is sent, and throws it away.
func (h *host) awaitCarrier(ifname string) {
	h.t.Helper()
	eventually(h.t, "the carrier of "+ifname, func() error {
		return <-h.start(func() error {
			link, err := netlink.LinkByName(ifname)
			if err == nil && link.Attrs().OperState != netlink.OperUp {
				err = fmt.Errorf("it is %s", link.Attrs().OperState)
			}
			return err
		})
	})
}

func (h *host) setMAC(address string) {
	h.t.Helper()
	h.withLink(func(link netlink.Link) error { return netlink.LinkSetHardwareAddr(link, mac(address)) })
}

func (h *host) withLink(f func(netlink.Link) error) {
	h.t.Helper()
	h.must(func() error {
		link, err := netlink.LinkByName(testInterface)
		if err != nil {
			return err
		}
		return f(link)
	})
}

func (h *host) setSysctl(name, value string) {
	h.t.Helper()
	h.must(func() error { return os.WriteFile("/proc/sys/net/ipv4/conf/"+name, []byte(value), 0) })
}

// addLink adds a virtual device and sets it up. Where the kernel has none of its kind the test is left to package
// bpf/kernels, which runs it on a kernel that has.
func (h *host) addLink(link netlink.Link) {
	h.t.Helper()
	unknown := false
	h.must(func() error {
		err := netlink.LinkAdd(link)
		if unknown = errors.Is(err, unix.EOPNOTSUPP) && os.Getenv("DROVER_TEST_EVERY_DEVICE") != "1"; unknown {
			return nil
		}
		if err != nil {
			return fmt.Errorf("add a %s: %w", link.Type(), err)
		}
		return netlink.LinkSetUp(link)
	})
	if unknown {
		h.t.Skipf("this kernel is built without devices of kind %s: bpf/kernels runs this test on one that has them", link.Type())
	}
}

func (h *host) openARP() *ARP { return open(h, OpenARP) }

func (h *host) openNDP() *NDP { return open(h, OpenNDP) }

// announce tells the host's LAN where a VIP is.
func (h *host) announce(vip netip.Addr, mac net.HardwareAddr) {
	h.t.Helper()
	h.must(func() error { return announceOn(testInterface, vip, mac) })
}

func announceOn(ifname string, vip netip.Addr, mac net.HardwareAddr) error {
	link, err := Link(ifname)
	if err != nil {
		return err
	}
	a, err := OpenAnnouncer()
	if err != nil {
		return err
	}
	return errors.Join(a.Announce(link, vip, mac), a.Close())
}

// open opens a socket on the host's interface until the test ends.
func open[T Discovery](h *host, opener func(ifname string) (T, error)) T {
	h.t.Helper()
	var lan T
	h.must(func() (err error) {
		lan, err = opener(testInterface)
		return err
	})
	h.t.Cleanup(func() {
		if err := lan.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
			h.t.Error(err)
		}
	})
	return lan
}

// listen runs an ARP or NDP until the test ends and returns what it hears.
func (h *host) listen(a Discovery) <-chan Observation {
	h.t.Helper()
	heard := make(chan Observation, 64)
	ctx, cancel := context.WithCancel(context.Background())
	done := h.start(func() error {
		return a.Run(ctx, func(observation Observation) {
			select {
			case heard <- observation:
			case <-ctx.Done():
			}
		})
	})
	h.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			h.t.Errorf("listen: %v", err)
		}
	})
	return heard
}

// sniff captures every frame that arrives at the host's interface or leaves it.
func (h *host) sniff(etherType int) *packet.Conn {
	h.t.Helper()
	var conn *packet.Conn
	h.must(func() error {
		ifi, err := net.InterfaceByName(testInterface)
		if err != nil {
			return err
		}
		conn, err = packet.Listen(ifi, packet.Raw, etherType, nil)
		return err
	})
	h.t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			h.t.Error(err)
		}
	})
	return conn
}

// frame returns the next captured frame that matches.
func frame(t *testing.T, conn *packet.Conn, matches func([]byte) bool) []byte {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	buffer := make([]byte, 2048)
	for {
		n, _, err := conn.ReadFrom(buffer)
		if errors.Is(err, unix.ENETDOWN) {
			continue // the link was down for a while
		}
		if err != nil {
			t.Fatalf("no such frame: %v", err)
		}
		if matches(buffer[:n]) {
			return buffer[:n]
		}
	}
}

// await returns the first value from a channel that matches.
func await[T any](t *testing.T, values <-chan T, what string, matches func(T) bool) T {
	t.Helper()
	timeout := time.After(deadline)
	for {
		select {
		case value := <-values:
			if matches(value) {
				return value
			}
			t.Logf("waiting for %s, passing over %+v", what, value)
		case <-timeout:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func mac(address string) net.HardwareAddr {
	parsed, err := net.ParseMAC(address)
	if err != nil {
		panic(err)
	}
	return parsed
}

func addr(address string) netip.Addr { return netip.MustParseAddr(address) }

func prefix(p string) netip.Prefix { return netip.MustParsePrefix(p) }

// eventually repeats what fails at first until it does not.
func eventually(t *testing.T, what string, try func() error) {
	t.Helper()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	end := time.After(deadline)
	for err := try(); err != nil; err = try() {
		select {
		case <-again.C:
		case <-end:
			t.Fatalf("waited in vain: %s: %v", what, err)
		}
	}
}
