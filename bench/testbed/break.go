package testbed

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A breakpoint is a place in a cable, at the port of the switch, where it can be broken. Two programs look at one word of memory,
// so that both directions break, and heal, in the same instant: what takes the kernel's network lock waits for all others that
// change links, in whatever laboratory, and would do one direction after the other.
//
// An XDP program on the port has another use: veth delivers what the other end sends by XDP_TX only to an interface that has
// one itself.
type breakpoint struct {
	broken *ebpf.Map // one word, 1 while the cable is broken
	xdp    link.Link // on what comes from the host
}

// What the programs return is made of the word: verdicts of enum xdp_action in linux/bpf.h, and of linux/pkt_cls.h.
var (
	fromHost = ebpf.ProgramSpec{Name: "cable_from_host", Type: ebpf.XDP, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Imm(asm.R0, 2), // XDP_PASS, or XDP_DROP, which is 1
		asm.Sub.Reg(asm.R0, asm.R2),
		asm.Return(),
	}}
	toHost = ebpf.ProgramSpec{Name: "cable_to_host", Type: ebpf.SchedCLS, License: "GPL", Instructions: asm.Instructions{
		asm.Mov.Reg(asm.R0, asm.R2),
		asm.LSh.Imm(asm.R0, 1), // TC_ACT_OK, which is 0, or TC_ACT_SHOT, which is 2
		asm.Return(),
	}}
)

// newBreakpoint makes one at a port of the switch, whole. It runs in the switch's namespace.
func newBreakpoint(handle *netlink.Handle, port int) (b *breakpoint, err error) {
	b = new(breakpoint)
	defer func() {
		if err != nil {
			b, err = nil, errors.Join(fmt.Errorf("make a cable that can be broken: %w", err), b.close())
		}
	}()
	if b.broken, err = ebpf.NewMap(&ebpf.MapSpec{
		Name: "cable_broken", Type: ebpf.Array, KeySize: 4, ValueSize: 4, MaxEntries: 1,
	}); err != nil {
		return b, err
	}
	if err := b.with(fromHost, func(program *ebpf.Program) (err error) {
		b.xdp, err = link.AttachXDP(link.XDPOptions{Program: program, Interface: port, Flags: link.XDPDriverMode})
		return err
	}); err != nil {
		return b, err
	}
	return b, b.with(toHost, func(program *ebpf.Program) error { return filterEgress(handle, port, program) })
}

// with loads a program that finds the word in R2, and closes it after use; what it is attached to keeps it.
func (b *breakpoint) with(spec ebpf.ProgramSpec, use func(*ebpf.Program) error) (err error) {
	spec.Instructions = append(asm.Instructions{
		asm.LoadMapValue(asm.R1, b.broken.FD(), 0),
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
	}, spec.Instructions...)
	program, err := ebpf.NewProgram(&spec)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, program.Close()) }()
	return use(program)
}

// filterEgress has a program decide on what leaves by an interface, by a classifier and not by TCX, which wants kernel 6.6.
func filterEgress(handle *netlink.Handle, port int, program *ebpf.Program) error {
	err := handle.QdiscAdd(&netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{
		LinkIndex: port, Parent: netlink.HANDLE_CLSACT, Handle: netlink.MakeHandle(0xffff, 0),
	}})
	if err != nil {
		return err
	}
	return handle.FilterAdd(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{
			LinkIndex: port, Parent: netlink.HANDLE_MIN_EGRESS, Handle: 1, Priority: 1, Protocol: unix.ETH_P_ALL,
		},
		Fd: program.FD(), Name: toHost.Name, DirectAction: true,
	})
}

// set breaks the cable or mends it.
func (b *breakpoint) set(broken bool) error {
	var word uint32
	if broken {
		word = 1
	}
	return b.broken.Put(uint32(0), word)
}

// close leaves the filter behind, which goes with the port.
func (b *breakpoint) close() error {
	var errs []error
	if b.xdp != nil {
		errs = append(errs, b.xdp.Close())
	}
	if b.broken != nil {
		errs = append(errs, b.broken.Close())
	}
	return errors.Join(errs...)
}
