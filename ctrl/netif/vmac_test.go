package netif

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

var (
	vmac4 = VMAC{Name: "vrrp.110", Parent: testInterface, MAC: mac("00:00:5e:00:01:6e"), IPv4: true}
	vmac6 = VMAC{Name: "vrrp6.110", Parent: testInterface, MAC: mac("00:00:5e:00:02:6e"), IPv6: true}
)

func (h *host) addVMAC(v VMAC) (link LinkInfo) {
	h.t.Helper()
	h.must(func() (err error) {
		link, err = h.vmacs.Add(v)
		return err
	})
	return link
}

func (h *host) removeVMACs(links ...LinkInfo) {
	h.t.Helper()
	var indexes []int
	for _, link := range links {
		indexes = append(indexes, link.Index)
	}
	h.must(func() error {
		err := h.vmacs.Remove(indexes)
		for _, link := range links {
			if _, err := Link(link.Name); !errors.Is(err, ErrNoInterface) {
				h.t.Errorf("%s after its removal: %v", link.Name, err)
			}
		}
		return err
	})
}

// addTo adds an address to a device.
func (h *host) addTo(device string, p netip.Prefix) {
	h.t.Helper()
	h.must(func() error {
		_, err := AddAddress(device, Address{Prefix: p})
		return err
	})
}

// wantSysctls checks settings, each "family/interface/name".
func (h *host) wantSysctls(want map[[3]string]string) {
	h.t.Helper()
	h.must(func() error {
		for key, value := range want {
			got, err := readSysctl(key[0], key[1], key[2])
			if err != nil {
				return err
			}
			if got != value {
				h.t.Errorf("%q is %s, want %s", key, got, value)
			}
		}
		return nil
	})
}

func parentSettings(value string) map[[3]string]string {
	return map[[3]string]string{
		{"ipv4", testInterface, "arp_ignore"}: value, {"ipv4", testInterface, "arp_filter"}: value,
	}
}

func TestAVirtualMACIsAPrivateMacvlanAsKeepalivedMakesIt(t *testing.T) {
	h, _ := newLAN(t)
	for _, v := range []VMAC{vmac4, vmac6} {
		got := h.addVMAC(v)
		if got.Name != v.Name || got.Kind != "macvlan" || got.Parent != h.index() || !bytes.Equal(got.MAC, v.MAC) || !got.Up {
			t.Errorf("got %+v", got)
		}
		h.must(func() error {
			link, err := netlink.LinkByName(v.Name)
			if err == nil && link.(*netlink.Macvlan).Mode != netlink.MACVLAN_MODE_PRIVATE {
				t.Errorf("mode %v", link.(*netlink.Macvlan).Mode)
			}
			return err
		})
	}
	h.wantSysctls(parentSettings("1"))
	h.wantSysctls(map[[3]string]string{
		{"ipv4", vmac4.Name, "arp_ignore"}: "1", {"ipv4", vmac4.Name, "accept_local"}: "1", {"ipv4", vmac4.Name, "rp_filter"}: "0",
		{"ipv4", vmac4.Name, "promote_secondaries"}: "1", {"ipv6", vmac4.Name, "disable_ipv6"}: "1",
		{"ipv6", vmac6.Name, "disable_ipv6"}: "0", {"ipv6", vmac6.Name, "addr_gen_mode"}: "1", {"ipv4", vmac6.Name, "arp_ignore"}: "1",
	})
}

func TestAVirtualMACThatIsThereIsAdopted(t *testing.T) {
	h, _ := newLAN(t)
	first := h.addVMAC(vmac4)
	h.addTo(vmac4.Name, prefix("192.168.100.221/24"))
	again := h.addVMAC(vmac4)
	if again.Index != first.Index {
		t.Errorf("the device was made anew: %+v", again)
	}
	h.must(func() error {
		if held, err := Addresses(vmac4.Name); err != nil || len(held) != 1 {
			t.Errorf("addresses %v, %v", held, err)
		}
		return nil
	})
	other := vmac4
	other.MAC = mac("00:00:5e:00:01:70")
	changed := h.addVMAC(other)
	if !bytes.Equal(changed.MAC, other.MAC) {
		t.Errorf("a device with another MAC was left: %+v", changed)
	}
	h.removeVMACs(changed)
	h.wantSysctls(parentSettings("0"))
}

func TestAVirtualMACSaysWhatIsInItsWay(t *testing.T) {
	h, _ := newLAN(t)
	h.addVMAC(vmac4)
	h.must(func() error {
		for _, v := range []VMAC{
			{Name: testInterface, Parent: testInterface, MAC: vmac4.MAC},
			{Name: "vrrp.9", Parent: testInterface, MAC: vmac4.MAC},
		} {
			if _, err := h.vmacs.Add(v); err == nil {
				t.Errorf("added %+v", v)
			}
		}
		if _, err := h.vmacs.Add(VMAC{Name: "vrrp.9", Parent: "enp9s0", MAC: vmac4.MAC}); !errors.Is(err, ErrNoInterface) {
			t.Errorf("absent parent: %v", err)
		}
		own, err := Link(testInterface)
		if err != nil {
			return err
		}
		err = h.vmacs.Remove([]int{own.Index})
		if _, gone := Link(testInterface); gone != nil {
			t.Error("removed an interface that is no virtual MAC")
		}
		return err
	})
}

func TestAdvertsLeaveByTheVirtualMACAsKeepalivedsDo(t *testing.T) {
	a, b := newLAN(t)
	own := a.linkLocal("00:0d:b9:00:00:02")
	wire := b.sniff(unix.ETH_P_ALL)
	conn := a.openVRRP()
	for _, test := range []struct {
		v      VMAC
		source netip.Addr
		is     func([]byte) bool
		at     int // where the source address is in the frame
	}{
		{vmac4, multicast4.Source, isVRRP4, 26},
		{vmac6, own, isVRRP6, 22},
	} {
		path := VRRPPath{Source: test.source, Destination: VRRPGroup(test.v.IPv6), VMAC: a.addVMAC(test.v).Index}
		write(t, conn, advert, path)
		got := frame(t, wire, test.is)
		if !bytes.Equal(got[6:12], test.v.MAC) {
			t.Errorf("source MAC %x", got[6:12])
		}
		if !bytes.Equal(got[test.at:test.at+len(test.source.AsSlice())], test.source.AsSlice()) {
			t.Errorf("source is not %s: %x", test.source, got)
		}
		path.VMAC = 0 // vmac_xmit_base
		write(t, conn, advert, path)
		if got := frame(t, wire, test.is); net.HardwareAddr(got[6:12]).String() != "00:0d:b9:00:00:02" {
			t.Errorf("without the virtual MAC: source MAC %x", got[6:12])
		}
	}
}

// The kernel gives such frames to the macvlan alone.
func TestABackupHearsAMasterWithTheSameVirtualMAC(t *testing.T) {
	a, b := newLAN(t)
	own := a.linkLocal("00:0d:b9:00:00:02")
	sender, receiver := a.openVRRP(), b.openVRRP()
	for _, test := range []struct {
		v      VMAC
		source netip.Addr
	}{{vmac4, multicast4.Source}, {vmac6, own}} {
		b.addVMAC(test.v)
		write(t, sender, advert, VRRPPath{Source: test.source, Destination: VRRPGroup(test.v.IPv6), VMAC: a.addVMAC(test.v).Index})
		if got := read(t, receiver); got.Source != test.source || !bytes.Equal(got.EthernetSource, test.v.MAC) {
			t.Errorf("heard %+v", got)
		}
	}
}

func TestOnlyTheVirtualMACAnswersForItsVIP(t *testing.T) {
	a, b := newLAN6(t)
	a.addVMAC(vmac4)
	a.addVMAC(vmac6)
	vip6 := addr("2001:db8::221")
	a.addTo(vmac4.Name, prefix("192.168.100.221/24"))
	a.addTo(vmac6.Name, netip.PrefixFrom(vip6, 64))
	arp, ndp := b.openARP(), b.openNDP()
	for _, test := range []struct {
		heard <-chan Observation
		probe func(netip.Addr) error
		vip   netip.Addr
		mac   net.HardwareAddr
	}{
		{b.listen(arp), arp.Probe, vip, vmac4.MAC},
		{b.listen(ndp), ndp.Probe, vip6, vmac6.MAC},
	} {
		const answers = 3 // of the wrong device one would come as often
		for range answers {
			if by := probeUntilClaimed(t, test.probe, test.heard, test.vip); !bytes.Equal(by, test.mac) {
				t.Errorf("%s claims %s", by, test.vip)
			}
		}
	}
}

func TestAVirtualMACIsReachedUnderAStrictCheckOfSources(t *testing.T) {
	a, b := newLAN(t)
	a.setSysctl("all/rp_filter", "1")
	a.addVMAC(vmac4)
	a.addTo(vmac4.Name, prefix("192.168.100.221/24"))
	a.must(func() error {
		listener, err := net.Listen("tcp4", "192.168.100.221:80")
		if err == nil {
			t.Cleanup(func() { listener.Close() })
		}
		return err
	})
	b.must(func() error {
		conn, err := net.DialTimeout("tcp4", "192.168.100.221:80", deadline)
		if err != nil {
			return err
		}
		return conn.Close()
	})
}

func TestAnAnnouncementThroughAVirtualMACIsWhatKeepalivedSends(t *testing.T) {
	a, b := newLAN(t)
	wire := b.sniff(unix.ETH_P_ALL)
	for _, test := range []struct {
		name, want string
		vip        netip.Addr
		mac        net.HardwareAddr
	}{
		{"IPv4", "ffffffffffff 00005e00016e 0806 0001 0800 06 04 0001 00005e00016e c0a864dd ffffffffffff c0a864dd",
			vip, vmac4.MAC},
		{"IPv6", "333300000001 00005e00026f 86dd 60000000 0020 3aff 20010db8010000000000000000000221" +
			"ff020000000000000000000000000001 88 00 947c 20000000 20010db8010000000000000000000221 02 01 00005e00026f",
			addr("2001:db8:100::221"), mac("00:00:5e:00:02:6f")},
	} {
		t.Run(test.name, func(t *testing.T) {
			a.announce(test.vip, test.mac)
			want := unhex(t, test.want)
			got := frame(t, wire, func(f []byte) bool { return bytes.Equal(f[6:12], want[6:12]) })
			if !bytes.Equal(got[:len(want)], want) {
				t.Errorf("got  %x\nwant %x", got, want)
			}
		})
	}
}

// A switch would send a backup what is meant for the master.
func TestAVirtualMACWithoutVIPIsSilent(t *testing.T) {
	a, b := newLAN(t)
	a.must(func() error { // joins the group of routers, wherever it may
		return errors.Join(writeSysctl("ipv6", "all", "forwarding", "1"), writeSysctl("ipv6", "default", "forwarding", "1"))
	})
	wire := b.sniff(unix.ETH_P_ALL)
	other := VMAC{Name: "vrrp6.111", Parent: testInterface, MAC: mac("00:00:5e:00:02:6f"), IPv6: true}
	a.addVMAC(vmac4)
	a.addVMAC(vmac6)
	a.addVMAC(other)
	a.addTo(other.Name, prefix("2001:db8::222/64"))
	for range 2 { // the kernel reports what is joined twice, the second time after up to a second
		frame(t, wire, func(f []byte) bool {
			if bytes.Equal(f[6:12], vmac4.MAC) || bytes.Equal(f[6:12], vmac6.MAC) {
				t.Errorf("a virtual MAC without VIP sent %x", f)
			}
			return bytes.Equal(f[6:12], other.MAC)
		})
	}
}

// A switch would send the former master what is meant for the new one.
func TestAClearedVirtualMACDoesNotTellTheLAN(t *testing.T) {
	a, b := newLAN(t)
	wire := b.sniff(unix.ETH_P_ALL)
	other := VMAC{Name: "vrrp6.111", Parent: testInterface, MAC: mac("00:00:5e:00:02:6f"), IPv6: true}
	// reports matches a report of an address from a virtual MAC: that it is there (4) or gone (3; RFC 3810, 5.2.12).
	reports := func(f []byte, from VMAC, kind byte, address netip.Addr) bool {
		record := append([]byte{kind, 0, 0, 0}, solicitedNode(address).AsSlice()...)
		return bytes.Equal(f[6:12], from.MAC) && bytes.Contains(f, record)
	}
	for _, held := range []struct {
		v      VMAC
		prefix netip.Prefix
	}{{vmac6, prefix("2001:db8::221/64")}, {other, prefix("2001:db8::222/64")}} {
		a.addVMAC(held.v)
		a.addTo(held.v.Name, held.prefix)
		frame(t, wire, func(f []byte) bool { return reports(f, held.v, 4, held.prefix.Addr()) })
	}
	a.must(func() error { return ClearVMAC(vmac6.Name) })
	a.must(func() error {
		_, err := RemoveAddress(other.Name, prefix("2001:db8::222/64"))
		return err
	})
	for range 2 { // the kernel says it twice
		frame(t, wire, func(f []byte) bool {
			if reports(f, vmac6, 3, addr("2001:db8::221")) {
				t.Errorf("the kernel reports what was removed: %x", f)
			}
			return reports(f, other, 3, addr("2001:db8::222"))
		})
	}
	a.must(func() error {
		held, err := Addresses(vmac6.Name)
		if err == nil && len(held) != 0 {
			t.Errorf("addresses %v", held)
		}
		return errors.Join(err, ClearVMAC("vrrp.9"))
	})
}
