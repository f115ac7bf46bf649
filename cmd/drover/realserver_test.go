package main

import (
	"context"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

func TestAWebServerThatIsUnpluggedAndPluggedAgain(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	client := n.steadily(n.client, vip, 50*time.Millisecond)

	n.must(n.webs[0].Pull())
	pulled := time.Now()
	n.untilUp(n.high, 1)
	detected := time.Now()
	n.mustShare(10, map[string]int{"web151": 10})
	n.must(n.webs[0].Plug())
	plugged := time.Now()
	n.untilUp(n.high, 2)
	back := time.Now()
	requests := client.stop()
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})

	t.Logf("down after %s, back after %s", detected.Sub(pulled), back.Sub(plugged))
	// keepalived takes 3.6 to 4.2 s and 2.1 to 3.3 s; a status is asked for every few hundredths of a second.
	if down := detected.Sub(pulled); down < 2*time.Second || down > 6*time.Second {
		t.Errorf("the web server counts as down %s after it was unplugged", down)
	}
	if up := back.Sub(plugged); up < time.Second || up > 6*time.Second {
		t.Errorf("the web server counts as up %s after it was plugged in", up)
	}
	if failed := failures(requests, detected, back, 500*time.Millisecond); len(failed) > 0 {
		t.Errorf("after the detection %d requests failed: %v", len(failed), failed)
	}
	// One begun before waits for its SYN to be sent again, 1 s or 3 s after the first, and is answered by the other.
	if failed := failures(requests, pulled.Add(20*time.Millisecond), detected, answerTime); len(failed) > 0 {
		t.Errorf("%d requests begun before the detection failed: %v", len(failed), failed)
	}
	s, err := n.status(n.high)
	n.must(err)
	if s.Verdicts["forward-rescheduled"] == 0 {
		t.Errorf("no SYN was scheduled again: %v", s.Verdicts)
	}
}

func TestAWebServerWhoseServiceIsStoppedAndStartedAgain(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	web := n.addHost(testbed.RealServer("web152", mac(t, "b8:27:eb:00:00:03"), prefixes("192.168.100.152/24")[0], vip))
	stop := n.serveWeb(web)
	n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String())+virtualServer(vip.String()+" 80", "rr", "TCP",
		realServer("192.168.100.152 80", 1), realServer("192.168.100.151 80", 1))))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)

	stop()
	stopped := time.Now()
	s := n.untilStatus(n.high, "it down", func(s api.Status) bool { return !realServerOf(s, web).Up })
	if took := time.Since(stopped); took > 4*time.Second {
		t.Errorf("down after %s, keepalived takes 2", took)
	}
	if reason := realServerOf(s, web).Reason; !strings.Contains(reason, "refused") {
		t.Errorf("status gives as reason %q", reason)
	}
	n.mustShare(10, map[string]int{"web151": 10})
	n.serveWeb(web)
	n.untilUp(n.high, 2)
	n.mustShare(10, map[string]int{"web152": 5, "web151": 5})
}

func TestDatagramsOfOneSocketStayOnOneRealServerUntilItIsDown(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	service := netip.AddrPortFrom(vip, 5353)
	for _, web := range n.webs {
		n.serveUDP(web, service)
	}
	n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String())+virtualServer(vip.String()+" 5353", "rr", "UDP",
		realServer("192.168.100.150 5353", 1), realServer("192.168.100.151 5353", 1))))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)

	answers := make(map[string]int)
	var held net.Conn
	for range 10 {
		conn, err := n.client.Dial(t.Context(), "udp", service.String())
		n.must(err)
		defer conn.Close()
		who, err := ping(conn)
		n.must(err)
		answers[who]++
		for range 5 {
			if again, err := ping(conn); again != who || err != nil {
				t.Fatalf("a client socket is answered by %s, then by %s, %v", who, again, err)
			}
		}
		if who == "web150" {
			held = conn
		}
	}
	if answers["web150"] != 5 || answers["web151"] != 5 {
		t.Fatalf("ten sockets are answered by %v", answers)
	}
	n.must(n.webs[0].Pull())
	n.untilUp(n.high, 1)
	if who, err := ping(held); who != "web151" {
		t.Errorf("the socket whose real server is down is answered by %q, %v", who, err)
	}
}

// ping sends a datagram and returns who answers.
func ping(conn net.Conn) (string, error) {
	if err := conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return "", err
	}
	if _, err := conn.Write([]byte("?")); err != nil {
		return "", err
	}
	buffer := make([]byte, 100)
	size, err := conn.Read(buffer)
	return string(buffer[:size]), err
}

func TestARealServerThatAnswersARPForTheVIPIsReported(t *testing.T) {
	t.Parallel()
	n := newBalancers(t)
	right := n.addWeb(testbed.RealServer("web150", mac(t, "b8:27:eb:b3:bb:e1"), prefixes("192.168.100.150/24")[0], vip))
	wrong := n.addWeb(testbed.AliasedRealServer("web151", mac(t, "b8:27:eb:92:a5:e2"), prefixes("192.168.100.151/24")[0], vip))
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	d.untilLogged("answers ARP for the VIP 192.168.100.221")
	for _, remedy := range []string{"/32 on lo", "arp_ignore=1", "arp_announce=2", "real_server=192.168.100.151"} {
		if !strings.Contains(d.log.String(), remedy) {
			t.Errorf("the log does not tell the remedy: no %q", remedy)
		}
	}
	s, err := n.status(n.high)
	n.must(err)
	if r := realServerOf(s, wrong); !r.Up || !strings.Contains(r.Reason, "answers ARP for the VIP") {
		t.Errorf("status shows %+v", r)
	}
	if r := realServerOf(s, right); r.Reason != "" {
		t.Errorf("status complains about the one that is right: %+v", r)
	}
}

func TestARealServerThatIsReplacedByAnotherMachineIsFollowed(t *testing.T) {
	t.Parallel()
	n := newBalancers(t)
	n.addWeb(testbed.RealServer("web151", mac(t, "b8:27:eb:92:a5:e2"), prefixes("192.168.100.151/24")[0], vip))
	old := n.addHost(testbed.RealServer("old150", mac(t, "b8:27:eb:b3:bb:e1"), prefixes("192.168.100.150/24")[0], vip))
	stop := n.serveWeb(old)
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)

	stop()
	n.must(old.PowerOff())
	spec := testbed.RealServer("new150", mac(t, "b8:27:eb:00:00:99"), prefixes("192.168.100.150/24")[0], vip)
	spec.Sysctls = map[string]string{
		"net.ipv4.conf.eth0.arp_ignore": "1", "net.ipv4.conf.eth0.arp_announce": "2", "net.ipv4.conf.eth0.arp_notify": "1",
	}
	replacement := n.addWeb(spec)
	d.untilLogged(replacement.MAC().String())
	n.untilUp(n.high, 2)
	n.mustShare(10, map[string]int{"new150": 5, "web151": 5})
	s, err := n.status(n.high)
	n.must(err)
	if r := realServerOf(s, replacement); r.MAC != replacement.MAC().String() {
		t.Errorf("status shows %+v", r)
	}
}

func TestARealServerThatIsNotThereGetsNothing(t *testing.T) {
	t.Parallel()
	n := newBalancers(t)
	n.addWeb(testbed.RealServer("web151", mac(t, "b8:27:eb:92:a5:e2"), prefixes("192.168.100.151/24")[0], vip))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 1)
	n.mustShare(10, map[string]int{"web151": 10})
	s, err := n.status(n.high)
	n.must(err)
	for _, r := range s.VirtualServers[0].RealServers {
		if r.Address == "192.168.100.150" && (r.Up || r.MAC != "" || !strings.Contains(r.Reason, "ARP")) {
			t.Errorf("status shows %+v", r)
		}
	}
}

// serveNothing accepts connections on port 80 of a host and never answers.
func (n *network) serveNothing(h *testbed.Host) {
	n.t.Helper()
	listener, err := h.Listen("tcp", "0.0.0.0:80")
	n.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	n.t.Cleanup(func() { cancel(); listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(ctx, func() { conn.Close() })
		}
	}()
}
