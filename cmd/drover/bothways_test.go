package main

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// A host that does not get its checks through the VIP out, or their answers in, takes nobody down for it, whether it was so
// from the start or comes to be so. It says what is wrong. As soon as it is in order again, a real server without the VIP is
// found.
func TestAHostThatLosesItsChecksThroughTheVIPTakesNobodyDown(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	mend := n.loseChecks(n.high)
	high := n.start(n.high)
	n.untilUp(n.high, 2)
	s := n.untilUnproven(n.high)
	if f := findingOf(s, "vip-unproven"); !strings.Contains(f.Evidence, "none has passed through it yet") || f.Subject != vip.String()+":80 by enp1s0" {
		t.Errorf("found is %+v", f)
	}
	if found, _ := n.doctor(n.high); !strings.Contains(found["vip-unproven"].Cure, "tc filter show dev enp1s0 egress") {
		t.Errorf("the doctor finds %+v", found)
	}
	high.untilLogged("none of them through the VIP")
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
	mend()
	n.untilProven(n.high)

	mend = n.loseChecks(n.high)
	s = n.untilUnproven(n.high)
	if f := findingOf(s, "vip-unproven"); !strings.Contains(f.Evidence, "the last one has passed through it at") {
		t.Errorf("found is %+v", f)
	}
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
	if text := high.log.String(); strings.Contains(text, "real server is down") {
		t.Error("a real server was down")
	}
	mend()
	n.untilProven(n.high)

	n.loopback(n.webs[0], "del")
	s = n.untilStatus(n.high, "it down", func(s api.Status) bool { return !realServerOf(s, n.webs[0]).Up })
	if r := realServerOf(s, n.webs[0]); !strings.HasPrefix(r.Reason, "address ok, VIP fails: ") {
		t.Errorf("the reason is %q", r.Reason)
	}
	high.untilLogged("the real server answers at its own address and not through the VIP: the real server has lost the VIP")
	n.mustShare(10, map[string]int{"web151": 10})
}

// When none has the VIP it is not known whose fault that is: all serve, and it is said.
func TestRealServersThatHaveAllLostTheVIPAreReported(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.loopback(n.webs[0], "del")
	n.loopback(n.webs[1], "del")
	n.start(n.high)
	s := n.untilUnproven(n.high)
	f := findingOf(s, "vip-unproven")
	if !strings.Contains(f.Evidence, "192.168.100.150: address ok, VIP fails: ") || !strings.Contains(f.Cure, "ip addr add 192.168.100.221/32 dev lo") {
		t.Errorf("found is %+v", f)
	}
	n.untilUp(n.high, 2)
	n.loopback(n.webs[1], "add") // which shows that it is the other one
	n.untilStatus(n.high, "the other one down", func(s api.Status) bool {
		return !realServerOf(s, n.webs[0]).Up && realServerOf(s, n.webs[1]).Up
	})
}

// untilUnproven waits until all real servers of the first virtual server are checked by their addresses alone.
func (n *network) untilUnproven(h *testbed.Host) api.Status {
	n.t.Helper()
	return n.untilStatus(h, "a way that is not proven", func(s api.Status) bool {
		return findingOf(s, "vip-unproven").Kind != "" && !slices.ContainsFunc(s.VirtualServers[0].RealServers, func(r api.RealServer) bool {
			return r.Check.Unproven == nil || !r.Up || r.Check.OwnAddress == nil || !r.Check.OwnAddress.Up
		})
	})
}

// untilProven waits until all of them pass through the VIP.
func (n *network) untilProven(h *testbed.Host) {
	n.t.Helper()
	n.untilStatus(h, "a proven way", func(s api.Status) bool {
		return findingOf(s, "vip-unproven").Kind == "" && !slices.ContainsFunc(s.VirtualServers[0].RealServers, func(r api.RealServer) bool {
			return r.Check.Unproven != nil || !r.Up || r.Check.Done == 0 || r.Check.LastError != ""
		})
	})
}

func findingOf(s api.Status, kind string) api.Finding {
	for _, f := range s.Findings {
		if f.Kind == kind {
			return f
		}
	}
	return api.Finding{}
}

// loseChecks has a host drop whatever its kernel sends to the VIP, until it is mended: what the program of XDP sends to
// clients' real servers goes another way.
func (n *network) loseChecks(h *testbed.Host) (mend func()) {
	n.t.Helper()
	const destination = 14 + 16 // of IPv4 in an Ethernet frame
	address := vip.As4()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.SchedCLS, License: "GPL",
		Instructions: asm.Instructions{
			asm.Mov.Reg(asm.R6, asm.R1),
			asm.LoadAbs(destination, asm.Word),
			asm.Mov.Reg(asm.R1, asm.R0),
			asm.Mov.Imm(asm.R0, 0), // TC_ACT_OK
			asm.JNE.Imm32(asm.R1, int32(binary.BigEndian.Uint32(address[:])), "end"),
			asm.Mov.Imm(asm.R0, 2), // TC_ACT_SHOT
			asm.Return().WithSymbol("end"),
		},
	})
	n.must(err)
	defer program.Close() // the filter holds it
	var qdisc *netlink.Clsact
	n.must(h.Do(func() error {
		index := n.link(h).Attrs().Index
		qdisc = &netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
			LinkIndex: index, Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT,
		}}
		if err := netlink.QdiscAdd(qdisc); err != nil {
			return err
		}
		return netlink.FilterAdd(&netlink.BpfFilter{
			FilterAttrs: netlink.FilterAttrs{
				LinkIndex: index, Parent: netlink.HANDLE_MIN_EGRESS, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL,
			},
			Fd: program.FD(), Name: "theirs", DirectAction: true,
		})
	}))
	return func() {
		n.t.Helper()
		n.must(h.Do(func() error { return netlink.QdiscDel(qdisc) }))
	}
}
