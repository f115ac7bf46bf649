package main

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"drover/ctrl/api"
	"drover/ctrl/vrrp"
)

func TestBadAdvertsAreCountedByReason(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	good := vrrp.Advert{
		Version: 2, VirtualRouterID: 110, Priority: 200, AuthType: vrrp.AuthPass, Interval: time.Second,
		Addresses: []netip.Addr{vip},
	}
	copy(good.AuthData[:], "def345")
	group := netip.MustParseAddr("224.0.0.18")
	send := n.rawVRRP()
	marshal := func(change func(*vrrp.Advert)) []byte {
		bad := good
		change(&bad)
		payload, err := bad.Marshal(n.client.Address(), group)
		n.must(err)
		return payload
	}
	corrupt := func(at int, to byte) []byte {
		payload := marshal(func(*vrrp.Advert) {})
		payload[at] = to
		return payload
	}
	for reason, packet := range map[vrrp.DropReason]struct {
		ttl     int
		payload []byte
	}{
		vrrp.DropPassword:     {255, marshal(func(a *vrrp.Advert) { copy(a.AuthData[:], "def346") })},
		vrrp.DropAuthType:     {255, marshal(func(a *vrrp.Advert) { a.AuthType, a.AuthData = vrrp.AuthNone, [8]byte{} })},
		vrrp.DropTTL:          {254, marshal(func(*vrrp.Advert) {})},
		vrrp.DropChecksum:     {255, corrupt(6, 0)},
		vrrp.DropVersion:      {255, corrupt(0, 0x31)},
		vrrp.DropInterval:     {255, marshal(func(a *vrrp.Advert) { a.Interval = 2 * time.Second })},
		vrrp.DropAddressCount: {255, marshal(func(a *vrrp.Advert) { a.Addresses = []netip.Addr{vip, otherVIP} })},
		vrrp.DropLength:       {255, marshal(func(*vrrp.Advert) {})[:10]},
	} {
		send(packet.ttl, packet.payload)
		send(packet.ttl, packet.payload)
		n.untilStatus(n.high, "two adverts dropped for "+string(reason), func(s api.Status) bool {
			return s.Instances[0].Dropped[string(reason)] == 2
		})
	}
	n.untilState(n.high, "MASTER")
}

// rawVRRP sends IP packets of protocol 112 from the client.
func (n *network) rawVRRP() (send func(ttl int, payload []byte)) {
	n.t.Helper()
	var raw *ipv4.RawConn
	n.must(n.client.Do(func() error {
		conn, err := net.ListenPacket("ip4:112", n.client.Address().String())
		if err != nil {
			return err
		}
		ifi, err := net.InterfaceByName(n.client.Interface())
		if err != nil {
			return err
		}
		if raw, err = ipv4.NewRawConn(conn); err != nil {
			return err
		}
		return raw.SetMulticastInterface(ifi)
	}))
	n.t.Cleanup(func() { raw.Close() })
	return func(ttl int, payload []byte) {
		n.t.Helper()
		n.must(raw.WriteTo(&ipv4.Header{
			Version: ipv4.Version, Len: ipv4.HeaderLen, TotalLen: ipv4.HeaderLen + len(payload), TTL: ttl, Protocol: 112,
			Src: n.client.Address().AsSlice(), Dst: net.IPv4(224, 0, 0, 18),
		}, payload, nil))
	}
}
