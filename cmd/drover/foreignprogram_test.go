package main

import (
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"drover/bench/testbed"
	"drover/ctrl/api"
	"drover/dataplane"
)

// A node whose interface has somebody else's XDP program is in FAULT and says why, and leaves the program alone. When that
// is gone it serves.
func TestAnXDPProgramOfSomebodyElseIsLeftAlone(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	theirs := n.attachTheirs(n.high)
	before := n.xdpProgram(n.high)
	n.start(n.high)
	n.untilNotServing(n.high)
	if after := n.xdpProgram(n.high); after != before || after == 0 {
		t.Errorf("program %d has become %d", before, after)
	}
	n.must(theirs.Close())
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
}

// The same while it runs: somebody takes Drover's program off.
func TestAnXDPProgramThatIsTakenOffIsPutBack(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	d := n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)

	n.severOurs(n.high)
	d.untilLogged("attaching it again")
	n.until("it is back", func() (bool, error) { return n.xdpProgram(n.high) != 0, nil })
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})

	n.severOurs(n.high)
	theirs := n.attachTheirs(n.high)
	before := n.xdpProgram(n.high)
	n.untilNotServing(n.high)
	n.until("the VIP is gone", func() (bool, error) { holds, err := n.high.Holds(vip); return !holds, err })
	if after := n.xdpProgram(n.high); after != before || after == 0 {
		t.Errorf("program %d has become %d", before, after)
	}
	n.must(theirs.Close())
	n.untilState(n.high, "MASTER")
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
}

// untilNotServing waits until a host says that it is not MASTER because of another XDP program.
func (n *network) untilNotServing(h *testbed.Host) {
	n.t.Helper()
	n.untilStatus(h, "why it does not serve", func(s api.Status) bool {
		return s.Instances[0].State == "FAULT" && strings.Contains(s.Instances[0].Reason, dataplane.ErrBusy.Error()) &&
			strings.Contains(s.Interfaces[0].Reason, dataplane.ErrBusy.Error())
	})
}

// attachTheirs attaches an XDP program that passes everything to a host's interface, until it is closed.
func (n *network) attachTheirs(h *testbed.Host) (theirs link.Link) {
	n.t.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, 2), asm.Return()}, // XDP_PASS
	})
	n.must(err)
	defer program.Close() // the link holds it
	n.must(h.Do(func() error {
		theirs, err = link.AttachXDP(link.XDPOptions{Program: program, Interface: n.link(h).Attrs().Index})
		return err
	}))
	n.t.Cleanup(func() { theirs.Close() })
	return theirs
}

// severOurs takes Drover's program off a host's interface, as "bpftool link detach" does.
func (n *network) severOurs(h *testbed.Host) {
	n.t.Helper()
	program := ebpf.ProgramID(n.xdpProgram(h))
	links := new(link.Iterator)
	defer links.Close()
	for links.Next() {
		info, err := links.Link.Info()
		n.must(err)
		if info.Type == link.XDPType && info.Program == program {
			n.must(links.Link.Detach())
			return
		}
	}
	n.t.Fatalf("no link holds program %d: %v", program, links.Err())
}
