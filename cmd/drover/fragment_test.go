package main

import (
	"bytes"
	"math/rand/v2"
	"net"
	"net/netip"
	"testing"
	"time"

	"drover/bench/testbed"
)

// longDatagram does not fit into a frame, nor into three.
const longDatagram = 5000

func TestLongDatagramsReachOneRealServerInAllTheirFragments(t *testing.T) {
	t.Parallel()
	config := virtualServer(vip.String()+" 5353", "rr", "UDP", bothWebs("5353", 1, 1)...) +
		virtualServer(vip6.String()+" 5353", "rr", "UDP", bothWebs6("5353")...)
	n := newAlone(t, config)
	for _, web := range n.webs {
		for _, address := range []netip.Addr{vip, vip6} {
			n.echoUDP(web, netip.AddrPortFrom(address, 5353))
		}
	}
	own := []netip.Addr{n.high.Address(), netip.MustParseAddr("2001:db8:100::212")}
	for _, address := range own {
		n.echoUDP(n.high, netip.AddrPortFrom(address, 5353))
	}
	n.startAlone()
	n.untilUpIn(n.high, 1, 2)

	for _, address := range []netip.Addr{vip, vip6} {
		answers := make(map[string]int)
		for range 6 {
			conn := n.dialUDP(netip.AddrPortFrom(address, 5353))
			who := n.mustEcho(conn, longDatagram)
			for range 3 { // a real server that answers has had every fragment
				if again := n.mustEcho(conn, longDatagram); again != who {
					t.Fatalf("a socket that sends long datagrams to %s is answered by %s, then by %s", address, who, again)
				}
			}
			answers[who]++
		}
		if answers["web150"] != 3 || answers["web151"] != 3 {
			t.Errorf("six sockets that send long datagrams to %s are answered by %v", address, answers)
		}
	}
	for _, address := range own {
		if who := n.mustEcho(n.dialUDP(netip.AddrPortFrom(address, 5353)), longDatagram); who != "high" {
			t.Errorf("a long datagram to the balancer's own %s is answered by %s", address, who)
		}
	}
	s, err := n.status(n.high)
	n.must(err)
	// Of each of 48 datagrams three fragments follow their first one.
	if followed := s.Verdicts["forward-fragment"]; followed != 2*6*4*3 {
		t.Errorf("%d fragments followed their first one, want %d", followed, 2*6*4*3)
	}
	if own := s.Verdicts["pass-fragment"]; own != 2*3 {
		t.Errorf("%d later fragments went to the kernel, want the %d of the balancer's own datagrams", own, 2*3)
	}
}

// echoUDP answers every datagram to an address of a host with the host's name, a space and the datagram.
func (n *network) echoUDP(h *testbed.Host, address netip.AddrPort) {
	n.t.Helper()
	conn, err := h.ListenPacket("udp", address.String())
	n.must(err)
	n.t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 1<<16)
		for {
			size, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			conn.WriteTo(append([]byte(h.Name()+" "), buffer[:size]...), from)
		}
	}()
}

// dialUDP opens a socket of the client that ends with the test.
func (n *network) dialUDP(to netip.AddrPort) net.Conn {
	n.t.Helper()
	conn, err := n.client.Dial(n.t.Context(), "udp", to.String())
	n.must(err)
	n.t.Cleanup(func() { conn.Close() })
	return conn
}

// mustEcho sends a datagram of random bytes and returns who sends them back, all and unharmed.
func (n *network) mustEcho(conn net.Conn, size int) string {
	n.t.Helper()
	sent := make([]byte, size)
	for i := range sent {
		sent[i] = byte(rand.Uint32())
	}
	n.must(conn.SetDeadline(time.Now().Add(answerTime)))
	_, err := conn.Write(sent)
	n.must(err)
	buffer := make([]byte, 1<<16)
	got, err := conn.Read(buffer)
	n.must(err)
	who, back, _ := bytes.Cut(buffer[:got], []byte(" "))
	if !bytes.Equal(back, sent) {
		n.t.Fatalf("%s sends %d bytes back, not the %d that it was sent", who, len(back), size)
	}
	return string(who)
}
