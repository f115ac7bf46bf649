package main

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// TestABridgeIsServedWhenItsNICsDoNotMergePackets: with GRO on them, which NICs have by default, segments of an upload reach a
// generic program merged, and larger than the MTU.
func TestABridgeIsServedWhenItsNICsDoNotMergePackets(t *testing.T) {
	t.Parallel()
	const megabytes = 5
	n := newLAN(t)
	bridged := n.addHost(testbed.HostSpec{Name: "bridged", Interface: "enp1s0", MAC: mac(t, "00:0d:b9:33:12:a4")})
	n.run(bridged, "ip link add br0 type bridge", "ip link set enp1s0 master br0", "ip link set br0 up",
		"ip address add 192.168.100.212/24 dev br0")
	n.client = n.addHost(testbed.HostSpec{Name: "client", Interface: "eth0", Addresses: prefixes("192.168.100.4/24")})
	web := n.addHost(testbed.RealServer("web150", mac(t, "b8:27:eb:b3:bb:e1"), netip.MustParsePrefix("192.168.100.150/24"), vip))
	n.receive(web, netip.AddrPortFrom(vip, 80))
	n.must(bridged.WriteFile(defaultConfig, strings.ReplaceAll(instance(12, vip.String()), "enp1s0", "br0")+
		virtualServer(vip.String()+" 80", "rr", "TCP", unchecked("192.168.100.150 80", 1))))

	n.must(bridged.Merge(true))
	n.start(bridged)
	n.untilStatus(bridged, "that it is refused, with the remedy", func(s api.Status) bool {
		return len(s.Interfaces) == 1 && s.Interfaces[0].XDPMode == "" && strings.Contains(s.Interfaces[0].Reason, "ethtool -K enp1s0 gro off")
	})
	n.must(bridged.Merge(false))
	n.untilState(bridged, "MASTER")
	n.untilUp(bridged, 1)
	if s, err := n.status(bridged); err != nil || s.Interfaces[0].XDPMode != "generic" {
		t.Errorf("status shows %+v, %v", s.Interfaces, err)
	}
	if err := n.upload(netip.AddrPortFrom(vip, 80), megabytes<<20); err != nil {
		t.Errorf("an upload of %d MB: %v", megabytes, err)
	}
}

// receive has a host answer each connection with how many bytes it has sent.
func (n *network) receive(h *testbed.Host, at netip.AddrPort) {
	n.t.Helper()
	listener, err := h.Listen("tcp", at.String())
	n.must(err)
	n.t.Cleanup(func() { n.must(listener.Close()) })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				got, err := io.Copy(io.Discard, conn)
				fmt.Fprint(conn, got, err)
				conn.Close()
			}()
		}
	}()
}

// upload sends so many bytes, and tells whether the other end has them all.
func (n *network) upload(to netip.AddrPort, count int) error {
	conn, err := n.client.Dial(n.t.Context(), "tcp", to.String())
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(n.patience)); err != nil {
		return err
	}
	if _, err := io.Copy(conn, bytes.NewReader(make([]byte, count))); err != nil {
		return err
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		return err
	}
	answer, err := io.ReadAll(conn)
	if want := fmt.Sprint(count, nil); err == nil && string(answer) != want {
		err = fmt.Errorf("the other end has %q, want %q", answer, want)
	}
	return err
}
