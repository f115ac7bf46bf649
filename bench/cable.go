package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/cilium/ebpf/link"

	"drover/bench/yardstick"
)

// cable is a veth pair in the private namespace, with the generator and the sink at its near end and a balancer at its
// far end. XDP_TX through a veth delivers nothing unless both ends have a program in native mode.
type cable struct {
	near, far place
	sink      yardstick.SinkObjects
	attached  link.Link
}

// layCable makes the pair. Its far end has the MAC address of the balancer.
func layCable(ctx context.Context, name string) (c *cable, err error) {
	near, far := "near-"+name, "far-"+name // with the longest name as long as the kernel takes
	if err := runIP(ctx,
		fmt.Sprintf("link add %s address %s type veth peer name %s address %s", near, routerMAC(), far, balancerMAC()),
		"link set "+near+" up", "link set "+far+" up",
	); err != nil {
		return nil, fmt.Errorf("lay a cable: %w", err)
	}
	c = &cable{}
	if c.near, err = placeOf(near); err != nil {
		return nil, fmt.Errorf("lay a cable: %w", err)
	}
	if c.far, err = placeOf(far); err != nil {
		return nil, fmt.Errorf("lay a cable: %w", err)
	}
	if err := c.placeSink(); err != nil {
		return nil, errors.Join(fmt.Errorf("sink: %w", err), c.close())
	}
	return c, nil
}

func (c *cable) placeSink() error {
	spec, err := yardstick.LoadSink()
	if err != nil {
		return err
	}
	if err := setVariables(spec, map[string]any{
		yardstick.SinkVarRealMac:     eightBytes(realMACs()[0]),
		yardstick.SinkVarBalancerMac: eightBytes(balancerMAC()),
	}); err != nil {
		return err
	}
	if err := spec.LoadAndAssign(&c.sink, nil); err != nil {
		return fmt.Errorf("load: %w", err)
	}
	c.attached, err = attachNative(c.sink.XdpSink, c.near.index)
	return err
}

// close lets go of the sink. The pair ends with the namespace.
func (c *cable) close() error {
	err := c.sink.Close()
	if c.attached != nil {
		err = errors.Join(err, c.attached.Close())
	}
	return err
}

// received counts the frames that have come to the near end: for each real server, and others.
func (c *cable) received() (reals, others uint64, err error) {
	for i := range uint32(yardstick.SinkLimitsCOUNTERS) {
		var perCPU []uint64
		if err := c.sink.Frames.Lookup(i, &perCPU); err != nil {
			return 0, 0, fmt.Errorf("read the counters of the sink: %w", err)
		}
		for _, n := range perCPU {
			if i == uint32(yardstick.SinkLimitsOTHERS) {
				others += n
			} else {
				reals += n
			}
		}
	}
	return reals, others, nil
}

// silence keeps the kernel from sending packets of its own on the thread's interfaces, such as router solicitations.
func silence() error {
	for _, which := range []string{"all", "default"} {
		name := filepath.Join("/proc/sys/net/ipv6/conf", which, "disable_ipv6")
		err := os.WriteFile(name, []byte("1"), 0)
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a kernel without IPv6 is silent
			return fmt.Errorf("silence the kernel: %w", err)
		}
	}
	return nil
}

// runIP runs commands of ip(8) in the network namespace of the thread.
func runIP(ctx context.Context, commands ...string) error { return runBatch(ctx, "ip", commands) }

// runTC runs commands of tc(8) there.
func runTC(ctx context.Context, commands ...string) error { return runBatch(ctx, "tc", commands) }

func runBatch(ctx context.Context, tool string, commands []string) error {
	cmd := exec.CommandContext(ctx, tool, "-batch", "-")
	cmd.Stdin = strings.NewReader(strings.Join(commands, "\n"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w (Debian: iproute2): %s", tool, err, out)
	}
	return nil
}
