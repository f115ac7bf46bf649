package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// errNoIPVS says why IPVS does not take part.
var errNoIPVS = errors.New("not in this kernel")

// ipvsTable is there while IPVS is; /proc/net would be that of another thread's namespace.
const ipvsTable = "/proc/thread-self/net/ip_vs"

// openIPVS sets the kernel's own balancer up in direct routing mode, with the same real servers in the same turns, at
// the far end of a cable. Everything comes by the stack there, as it does without XDP; that veth has to make socket
// buffers of live frames, and the sink frames of those, is the price of a comparison on one machine.
func openIPVS(ctx context.Context, family Family) (lane, error) {
	if family != IPv4 {
		return lane{}, fmt.Errorf("%w for %s: it is set up for %s only", errNoIPVS, family, IPv4)
	}
	if err := haveIPVS(ctx); err != nil {
		return lane{}, err
	}
	cable, err := layCable(ctx, "ipvs")
	if err != nil {
		return lane{}, err
	}
	pass, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: passAll()})
	if err != nil {
		return lane{}, errors.Join(fmt.Errorf("load: %w", err), cable.close())
	}
	l, err := newLaneOn(cable, &contestant{name: "ipvs", family: family, program: pass, close: pass.Close})
	if err != nil {
		return lane{}, errors.Join(err, pass.Close(), cable.close())
	}
	if err := configureIPVS(ctx, cable.far.name, family); err != nil {
		return lane{}, errors.Join(err, closeLanes([]lane{l}))
	}
	return l, nil
}

// haveIPVS has the kernel load its module, if it has one.
func haveIPVS(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "ipvsadm", "--list").CombinedOutput()
	if _, missing := os.Stat(ipvsTable); missing != nil {
		return errNoIPVS
	}
	if err != nil {
		return fmt.Errorf("ipvsadm: %w (Debian: ipvsadm): %s", err, out)
	}
	return nil
}

// configureIPVS gives the interface the VIP and the way to the real servers, which nobody there needs to answer for.
func configureIPVS(ctx context.Context, ifname string, family Family) error {
	vip := family.virtualServer()
	commands := []string{fmt.Sprintf("addr add %s/24 dev %s", vip.Addr(), ifname)}
	rules := []string{fmt.Sprintf("--add-service --tcp-service %s --scheduler rr", vip)}
	for i, mac := range realMACs() {
		real := family.realServer(i)
		commands = append(commands,
			fmt.Sprintf("neigh replace %s lladdr %s nud permanent dev %s", real.Addr(), mac, ifname))
		rules = append(rules, fmt.Sprintf("--add-server --tcp-service %s --real-server %s --gatewaying", vip, real))
	}
	if err := runIP(ctx, commands...); err != nil {
		return err
	}
	for _, rule := range rules {
		if out, err := exec.CommandContext(ctx, "ipvsadm", strings.Fields(rule)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ipvsadm %s: %w: %s", rule, err, out)
		}
	}
	return nil
}

// passAll is an XDP program that leaves everything to the stack.
func passAll() asm.Instructions {
	const xdpPass = 2
	return asm.Instructions{asm.Mov.Imm(asm.R0, xdpPass), asm.Return()}
}
