package dataplane

import "testing"

// virtualMAC is that of a virtual router (RFC 9568, 7.3).
func virtualMAC(id uint8, ipv6 bool) MAC {
	if ipv6 {
		return MAC{0, 0, 0x5e, 0, 2, id}
	}
	return MAC{0, 0, 0x5e, 0, 1, id}
}

// TestFramesForAVirtualRouterAreForTheInterface sends a connection to every virtual MAC address there is, and to some that
// only look like one. What is forwarded leaves from the interface's own address.
func TestFramesForAVirtualRouterAreForTheInterface(t *testing.T) {
	inEither(t, Sizes{Flows: 4096, Flows6: 4096}, func(p *plane, f family) {
		has := func(id uint8, ipv6 bool) bool { return id%3 == 0 != ipv6 || id == 255 }
		on := Interface{MAC: ownMAC, MTU: ownMTU}
		for _, ipv6 := range []bool{false, true} {
			for id := range 256 {
				if has(uint8(id), ipv6) {
					on.VirtualRouters = on.VirtualRouters.With(uint8(id), ipv6)
				}
			}
		}
		p.attachedTo(on)
		p.expect(f.syn(1), opened(1))
		for _, ipv6 := range []bool{false, true} {
			for id := range 256 {
				mac := virtualMAC(uint8(id), ipv6)
				want := ends(PassOtherHost)
				if has(uint8(id), ipv6) {
					want = kept(1)
				}
				p.expect(with(f.ack(1), atDestination, mac[:]...), want)
			}
		}
		for _, mac := range []MAC{{0, 0, 0x5e, 0, 0, 255}, {0, 0, 0x5e, 0, 3, 255}, {0, 0, 0x5e, 1, 1, 255}, {2, 0, 0x5e, 0, 1, 255}} {
			p.expect(with(f.ack(1), atDestination, mac[:]...), ends(PassOtherHost))
		}
	})
}

func TestAnInterfaceHasNoVirtualRoutersOfItsOwn(t *testing.T) {
	inEither(t, Sizes{Flows: 4096, Flows6: 4096}, func(p *plane, f family) {
		mac := virtualMAC(1, f.name == "IPv6")
		p.expect(with(f.syn(1), atDestination, mac[:]...), ends(PassOtherHost))
	})
}

// TestTheKernelDoesNotSeeAnAnnouncementByItsOwnVirtualMAC has the gratuitous ARP of a successor with the same virtual MAC:
// an answer of the kernel's, which may hold the address for an instant yet, would come from that MAC, too.
func TestTheKernelDoesNotSeeAnAnnouncementByItsOwnVirtualMAC(t *testing.T) {
	p := newPlane(t, Options{})
	p.attachedTo(Interface{MAC: ownMAC, MTU: ownMTU, VirtualRouters: VirtualRouters{}.With(110, false)})
	const senderMAC = atIP + 8
	from := func(mac MAC, sender, target string) []byte {
		return with(arp(arpRequest, sender, target), senderMAC, mac[:]...)
	}
	own, other := virtualMAC(110, false), virtualMAC(111, false)
	for _, gate := range []func(*plane){openGate, standDown, loseLease} {
		gate(p)
		p.expect(from(own, vip, vip), ends(DropSilent))
	}
	openGate(p)
	p.expect(from(own, "192.168.100.1", vip), ends(PassNeighbor))
	p.expect(from(other, vip, vip), ends(PassNeighbor))
	p.expect(from(own, "192.168.100.9", "192.168.100.9"), ends(PassNeighbor))
	standDown(p)
	p.expect(from(other, vip, vip), ends(PassNeighbor))
}
