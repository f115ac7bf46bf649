package netif

import (
	"fmt"
	"net"
	"testing"

	"github.com/vishvananda/netlink"
)

func TestTheLastVirtualMACRestoresTheInterface(t *testing.T) {
	h, _ := newLAN(t)
	other := VMAC{Name: "vrrp.111", Parent: testInterface, MAC: mac("00:00:5e:00:01:6f"), IPv4: true}
	for _, earlier := range []bool{false, true} {
		first, second := h.addVMAC(vmac4), h.addVMAC(other)
		h.wantSysctls(parentSettings("1"))
		if earlier { // another process removes them
			h.vmacs = VMACs{}
		}
		h.removeVMACs(first)
		h.wantSysctls(parentSettings("1"))
		h.removeVMACs(second)
		h.wantSysctls(parentSettings("0"))
		h.removeVMACs(first, second) // which are gone
	}
}

func TestManyVirtualMACsGoAtOnce(t *testing.T) {
	h, _ := newLAN(t)
	var all []LinkInfo
	for id := range byte(30) {
		v := VMAC{Name: fmt.Sprintf("vrrp.%d", id+1), Parent: testInterface, MAC: net.HardwareAddr{0, 0, 0x5e, 0, 1, id + 1}, IPv4: true}
		all = append(all, h.addVMAC(v))
	}
	h.removeVMACs(all[1:]...)
	h.wantSysctls(parentSettings("1"))
	h.must(func() error {
		left, err := h.vmacs.List()
		if len(left) != 1 || left[0].Name != "vrrp.1" {
			t.Errorf("left are %+v", left)
		}
		return err
	})
	h.removeVMACs(all...)
	h.wantSysctls(parentSettings("0"))
}

func TestTheMacvlanOfSomebodyElseIsNoVirtualMAC(t *testing.T) {
	h, _ := newLAN(t)
	ours := h.addVMAC(vmac4)
	h.addLink(&netlink.Macvlan{ // as keepalived makes it
		LinkAttrs: netlink.LinkAttrs{Name: "vrrp.9", HardwareAddr: mac("00:00:5e:00:01:09"), ParentIndex: h.index()}, Mode: netlink.MACVLAN_MODE_PRIVATE,
	})
	h.must(func() error {
		list, err := new(VMACs).List()
		if len(list) != 1 || list[0].Index != ours.Index {
			t.Errorf("listed are %+v", list)
		}
		return err
	})
}

func TestAVirtualMACFollowsTheNameOfItsInterface(t *testing.T) {
	h, _ := newLAN(t)
	first := h.addVMAC(vmac4)
	h.addLink(&netlink.Dummy{LinkAttrs: netlink.LinkAttrs{Name: "lan1"}})
	elsewhere := vmac4
	elsewhere.Parent = "lan1"
	got := h.addVMAC(elsewhere)
	h.must(func() error {
		lan1, err := Link("lan1")
		if got.Parent != lan1.Index || got.Index == first.Index {
			t.Errorf("got %+v, before %+v", got, first)
		}
		return err
	})
	h.wantSysctls(parentSettings("0"))
}

func TestWhatTheAdministratorSetsBelowAVirtualMACStays(t *testing.T) {
	h, _ := newLAN(t)
	h.setSysctl("enp1s0/arp_ignore", "2")
	link := h.addVMAC(vmac4)
	h.setSysctl("enp1s0/arp_filter", "0")
	h.removeVMACs(link)
	h.wantSysctls(map[[3]string]string{
		{"ipv4", testInterface, "arp_ignore"}: "2", {"ipv4", testInterface, "arp_filter"}: "0",
	})
}
