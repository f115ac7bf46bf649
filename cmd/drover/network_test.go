package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strconv"
	"testing"
	"time"

	"drover/bench/testbed"
)

// network is the LAN of the end-to-end tests: two balancers that share a VIP, two web servers that hold it, a client.
type network struct {
	t        *testing.T
	lab      *testbed.Lab
	low      *testbed.Host // priority 11
	high     *testbed.Host // priority 12
	webs     []*testbed.Host
	client   *testbed.Host
	patience time.Duration
}

var (
	vip      = netip.MustParseAddr("192.168.100.221")
	otherVIP = netip.MustParseAddr("192.168.100.222")
)

// newNetwork boots the LAN with the tutorial's configuration on both balancers, and nothing running but the web servers.
func newNetwork(t *testing.T) *network {
	t.Helper()
	n := newBalancers(t)
	for i, m := range []string{"b8:27:eb:b3:bb:e1", "b8:27:eb:92:a5:e2"} {
		n.addWeb(testbed.RealServer(fmt.Sprintf("web%d", 150+i), mac(t, m),
			netip.MustParsePrefix(fmt.Sprintf("192.168.100.%d/24", 150+i)), vip, otherVIP))
	}
	return n
}

// newLAN lays the LAN, with nobody on it.
func newLAN(t *testing.T) *network {
	t.Helper()
	testbed.Require(t)
	lab, err := testbed.New(testbed.Options{Name: "e2e"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return &network{t: t, lab: lab, patience: 20 * time.Second}
}

// newBalancers boots the LAN without web servers.
func newBalancers(t *testing.T) *network {
	t.Helper()
	n := newLAN(t)
	n.low = n.addHost(testbed.HostSpec{
		Name: "low", Interface: "enp1s0", MAC: mac(t, "00:0d:b9:41:e0:7c"), Addresses: prefixes("192.168.100.211/24"),
		Files: map[string]string{defaultConfig: tutorialConfig(11)},
	})
	n.high = n.addHost(testbed.HostSpec{
		Name: "high", Interface: "enp1s0", MAC: mac(t, "00:0d:b9:33:12:a4"), Addresses: prefixes("192.168.100.212/24"),
		Files: map[string]string{defaultConfig: tutorialConfig(12)},
	})
	n.client = n.addHost(testbed.HostSpec{
		Name: "client", Interface: "eth0", MAC: mac(t, "00:21:cc:00:00:04"), Addresses: prefixes("192.168.100.4/24"),
	})
	return n
}

func (n *network) addHost(spec testbed.HostSpec) *testbed.Host {
	n.t.Helper()
	h, err := n.lab.AddHost(spec)
	n.must(err)
	return h
}

// addWeb boots a web server that answers with its name.
func (n *network) addWeb(spec testbed.HostSpec) *testbed.Host {
	n.t.Helper()
	h := n.addHost(spec)
	n.webs = append(n.webs, h)
	n.serveWeb(h)
	return h
}

// serveWeb answers on port 80 of a host with its name, until stop is called or the test ends.
func (n *network) serveWeb(h *testbed.Host) (stop func()) {
	n.t.Helper()
	return n.serveWebOn(h, ":80")
}

// serveWebOn is serveWeb at any address and port. At /download/N there are N bytes.
func (n *network) serveWebOn(h *testbed.Host, address string) (stop func()) {
	n.t.Helper()
	listener, err := h.Listen("tcp", address)
	n.must(err)
	pages := http.NewServeMux()
	pages.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, h.Name()) })
	pages.HandleFunc("/download/{bytes}", func(w http.ResponseWriter, r *http.Request) {
		size, err := strconv.Atoi(r.PathValue("bytes"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusNotFound)
			return
		}
		w.Write(make([]byte, size))
	})
	server := &http.Server{Handler: pages}
	go server.Serve(listener)
	stop = func() { server.Close() }
	n.t.Cleanup(stop)
	return stop
}

// serveUDP answers every datagram to a port of a host with its name, from the address that it was sent to.
func (n *network) serveUDP(h *testbed.Host, address netip.AddrPort) {
	n.t.Helper()
	conn, err := h.ListenPacket("udp", address.String())
	n.must(err)
	n.t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 1500)
		for {
			_, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			conn.WriteTo([]byte(h.Name()), from)
		}
	}()
}

func (n *network) must(err error) {
	n.t.Helper()
	if err != nil {
		n.t.Fatal(err)
	}
}

// until waits for a condition.
func (n *network) until(what string, condition func() (bool, error)) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), n.patience)
	defer cancel()
	if err := testbed.Until(ctx, condition); err != nil {
		n.t.Fatalf("waiting until %s: %v", what, err)
	}
}

// skip ends a test that this machine cannot run; with DROVER_TEST_STRICT=1 that is a failure.
func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("DROVER_TEST_STRICT") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}

func mac(t *testing.T, s string) testbed.MAC {
	t.Helper()
	m, err := net.ParseMAC(s)
	if err != nil {
		t.Fatal(err)
	}
	return testbed.MAC(m)
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}
