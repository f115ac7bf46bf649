package main

import (
	"net"
	"testing"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
)

// TestPingsOfAVIPAreTheBalancersToAnswer has no real server that could do it.
func TestPingsOfAVIPAreTheBalancersToAnswer(t *testing.T) {
	t.Parallel()
	n := newBalancers(t)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	conn, err := n.client.ListenPacket("ip4:icmp", n.client.Address().String())
	n.must(err)
	defer conn.Close()
	n.must(conn.SetDeadline(time.Now().Add(n.patience)))
	ping, err := (&icmp.Message{Type: ipv4.ICMPTypeEcho, Body: &icmp.Echo{ID: 7, Seq: 1, Data: []byte("drover")}}).Marshal(nil)
	n.must(err)
	_, err = conn.WriteTo(ping, &net.IPAddr{IP: vip.AsSlice()})
	n.must(err)
	answer := make([]byte, 100)
	size, from, err := conn.ReadFrom(answer)
	n.must(err)
	got, err := icmp.ParseMessage(ipv4.ICMPTypeEcho.Protocol(), answer[:size])
	n.must(err)
	if body, is := got.Body.(*icmp.Echo); got.Type != ipv4.ICMPTypeEchoReply || !is || body.ID != 7 || string(body.Data) != "drover" || from.String() != vip.String() {
		t.Errorf("%s answers with %+v", from, got)
	}
	if s, err := n.status(n.high); err != nil || s.Verdicts["pass-protocol"] == 0 {
		t.Errorf("verdicts are %v, %v", s.Verdicts, err)
	}
}
