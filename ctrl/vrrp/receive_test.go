package vrrp

import (
	"net/netip"
	"strings"
	"testing"
	"time"
)

// changed is an advert of a peer of priority 200 with one thing changed.
func changed(change func(*Advert)) Received {
	a := tutorialAdvert(200)
	change(&a)
	return Received{Datagram: datagram(higher, a)}
}

func rawDatagram(t *testing.T, ttl uint8, payload string) Received {
	return Received{Datagram: Datagram{Source: netip.MustParseAddr(higher), Destination: group4, TTL: ttl, Payload: mustHex(t, payload)}}
}

func TestDrops(t *testing.T) {
	tested := make(map[DropReason]bool)
	const badChecksumAndVersion = "316e0c010101ae3bc0a864dd6465663334350000"
	for _, test := range []struct {
		name   string
		change func(*Settings)
		event  Event
		want   DropReason
	}{
		{"our own advert", nil, heard(self, 200), DropOwn},
		{"a routed advert", nil, rawDatagram(t, 254, "216e0b010101ae3bc0a864dd6465663334350000"), DropTTL},
		{"a routed advert is dropped for that before anything else", nil, rawDatagram(t, 1, badChecksumAndVersion), DropTTL},
		{"version 3", nil, rawDatagram(t, 255, "316e0b01000a97f5c0a864dd"), DropVersion},
		{"another version is dropped for that before its checksum", nil, rawDatagram(t, 255, badChecksumAndVersion), DropVersion},
		{"half an advert", nil, rawDatagram(t, 255, "216e0b010101ae3bc0a8"), DropLength},
		{"a wrong checksum", nil, rawDatagram(t, 255, "216e0b010101ae3cc0a864dd6465663334350000"), DropChecksum},
		{"another type", nil, rawDatagram(t, 255, "226e0b010101ad3bc0a864dd6465663334350000"), DropType},
		{"the checksum without the pseudo-header", v3, Received{Datagram: datagram(higher, asV2(advert3(200, 100*time.Millisecond)))}, DropChecksum},
		{"the checksum with the pseudo-header", func(s *Settings) { v3(s); s.ChecksumAsV2 = true }, heard3(higher, 200, 100*time.Millisecond), DropChecksum},
		{"version 2 where 3 is expected", v3, heard(higher, 200), DropVersion},
		{"multicast where there are peers", unicast(nil), heard(higher, 200), DropDestination},
		{"unicast where there are no peers", nil, sent(higher, 255), DropDestination},
		{"unicast from a stranger", unicast(func(s *Settings) { s.CheckUnicastSource = true }), sent(other, 255), DropSource},
		{"a peer with a TTL below its bounds", unicast(func(s *Settings) { s.CheckUnicastSource, s.Peers[0].MinTTL = true, 254 }),
			sent(higher, 253), DropTTL},
		{"a peer with a TTL above its bounds", unicast(func(s *Settings) { s.CheckUnicastSource, s.Peers[0].MaxTTL = true, 253 }),
			sent(higher, 254), DropTTL},
		{"anything, as an owner that listens to nobody", func(s *Settings) { s.Priority, s.OwnerIgnoresAdverts, s.StartupDelay = 255, true, 3*time.Second },
			heard(higher, 255), DropOwner},
		{"another virtual router", nil, changed(func(a *Advert) { a.VirtualRouterID = 111 }), DropVirtualRouterID},
		{"no authentication", nil, changed(func(a *Advert) { a.AuthType = AuthNone }), DropAuthType},
		{"authentication that we do not have", func(s *Settings) { s.AuthType = AuthNone }, heard(higher, 200), DropAuthType},
		{"a wrong password", nil, changed(func(a *Advert) { a.AuthData = [8]byte{'a', 'b', 'c', '0', '1', '2'} }), DropPassword},
		{"a longer password with the same beginning", nil, changed(func(a *Advert) { a.AuthData[6] = '6' }), DropPassword},
		{"an address more", nil, changed(func(a *Advert) { a.Addresses = addrs("192.168.100.221", "192.168.100.222") }), DropAddressCount},
		{"no addresses", nil, changed(func(a *Advert) { a.Addresses = nil }), DropAddressCount},
		{"another address count, though addresses are not checked", func(s *Settings) { s.SkipCheckAdvAddr = true },
			changed(func(a *Advert) { a.Addresses = nil }), DropAddressCount},
		{"another address", nil, changed(func(a *Advert) { a.Addresses = addrs("192.168.100.222") }), DropAddresses},
		{"another address from the owner, as keepalived does", nil,
			changed(func(a *Advert) { a.Priority, a.Addresses = 255, addrs("192.168.100.222") }), DropAddresses},
		{"one address twice in place of two", func(s *Settings) { s.Addresses = addrs("192.168.100.221", "192.168.100.222") },
			changed(func(a *Advert) { a.Addresses = addrs("192.168.100.221", "192.168.100.221") }), DropAddresses},
		{"another interval", nil, changed(func(a *Advert) { a.Interval = 2 * time.Second }), DropInterval},
	} {
		tested[test.want] = true
		t.Run(test.name, func(t *testing.T) {
			want := "drop " + string(test.want)
			asB := run(t, testSettings(test.change), asDropping())
			deadline := asB.Deadline()
			if got := describeAll(asB.Handle(at(0.3), test.event)); got != want {
				t.Errorf("as BACKUP\n got %s\nwant %s", got, want)
			}
			if got := asB.Deadline(); !got.Equal(deadline) {
				t.Errorf("a dropped advert moved the takeover to %v", got)
			}
			run(t, testSettings(test.change), asDropping(step{4, Tick{}, "*"}, step{4, test.event, want}))
		})
	}
	reasons := DropReasons()
	for _, reason := range reasons {
		if !tested[reason] {
			t.Errorf("no test for %s", reason)
		}
	}
	if len(reasons) != len(tested) {
		t.Errorf("DropReasons has %d reasons, %d were seen", len(reasons), len(tested))
	}
}

// unicast makes settings of a virtual router with two peers.
func unicast(change func(*Settings)) func(*Settings) {
	return func(s *Settings) {
		s.Peers = []Peer{{Address: netip.MustParseAddr(higher)}, {Address: netip.MustParseAddr(lower)}}
		if change != nil {
			change(s)
		}
	}
}

// sent is an advert of priority 200 by unicast to the machine under test.
func sent(source string, ttl uint8) Received {
	d := datagram(source, tutorialAdvert(200))
	d.Destination, d.TTL = netip.MustParseAddr(self), ttl
	return Received{Datagram: d}
}

// asDropping is asBackup for settings with any addresses.
func asDropping(rest ...step) []step {
	return append([]step{{0, Start{}, "*"}}, rest...)
}

func TestAcceptedAdverts(t *testing.T) {
	for _, test := range []struct {
		name   string
		change func(*Settings)
		event  Event
	}{
		{"the same addresses in another order", func(s *Settings) { s.Addresses = addrs("192.168.100.221", "10.0.0.1") },
			changed(func(a *Advert) { a.Addresses = addrs("10.0.0.1", "192.168.100.221") })},
		{"another address with skip_check_adv_addr", func(s *Settings) { s.SkipCheckAdvAddr = true },
			changed(func(a *Advert) { a.Addresses = addrs("192.168.100.222") })},
		{"any authentication data without authentication", func(s *Settings) { s.AuthType = AuthNone },
			changed(func(a *Advert) { a.AuthType = AuthNone })},
		{"unicast from a peer", unicast(nil), sent(higher, 64)},
		{"unicast from anybody", unicast(nil), sent(other, 1)},
		{"unicast from a checked peer inside its bounds",
			unicast(func(s *Settings) { s.CheckUnicastSource, s.Peers[0].MinTTL, s.Peers[0].MaxTTL = true, 254, 254 }), sent(higher, 254)},
		{"version 3 over IPv4", v3, heard3(higher, 200, 100*time.Millisecond)},
		{"version 3 over IPv4 without the pseudo-header", func(s *Settings) { v3(s); s.ChecksumAsV2 = true },
			Received{Datagram: datagram(higher, asV2(advert3(200, 100*time.Millisecond)))}},
		{"version 3 over IPv6", v6, heard6(linkLocal2, 200)},
		{"IPv6 with v3_checksum_as_v2, which means nothing there", func(s *Settings) { v6(s); s.ChecksumAsV2 = true }, heard6(linkLocal2, 200)},
		{"IPv6 from an address with a zone", v6, zoned(heard6(linkLocal2, 200))},
		{"an owner by default", func(s *Settings) { s.Priority, s.StartupDelay = 255, time.Second }, heard(higher, 255)},
		{"no addresses where there are none", func(s *Settings) { s.Addresses = nil },
			changed(func(a *Advert) { a.Addresses = nil })},
	} {
		t.Run(test.name, func(t *testing.T) {
			m := run(t, testSettings(test.change), asDropping(step{0.3, test.event, ""}))
			if want := at(0.3).Add(m.settings.StartupDelay - delayed(m)).Add(m.settings.DownInterval()); !m.Deadline().Equal(want) {
				t.Errorf("deadline %v, want %v", m.Deadline(), want)
			}
		})
	}
}

// delayed is what is over of a startup delay at 0.3 s.
func delayed(m *Machine) time.Duration { return min(m.settings.StartupDelay, 300*time.Millisecond) }

func zoned(r Received) Received {
	r.Datagram.Source = r.Datagram.Source.WithZone("enp1s0")
	r.Datagram.Destination = r.Datagram.Destination.WithZone("enp1s0")
	return r
}

func TestDropsTellTheOperatorButNotThePassword(t *testing.T) {
	m := run(t, testSettings(nil), asBackup())
	actions := m.Handle(at(1), changed(func(a *Advert) { a.AuthData = [8]byte{'a', 'b', 'c', '0', '1', '2'} }))
	drop, ok := actions[0].(Drop)
	if !ok {
		t.Fatalf("got %s", describeAll(actions))
	}
	if drop.Source.String() != higher || drop.Detail == "" {
		t.Errorf("drop %+v lacks source or detail", drop)
	}
	if strings.Contains(drop.Detail, "abc012") || strings.Contains(drop.Detail, "def345") {
		t.Errorf("detail %q has a password", drop.Detail)
	}
	drop = m.Handle(at(1), changed(func(a *Advert) { a.Interval = 3 * time.Second }))[0].(Drop)
	if want := "advert interval 3s, expected 1s"; drop.Detail != want {
		t.Errorf("detail %q, want %q", drop.Detail, want)
	}
}
