package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// healthWire is a veth pair between the checker and the servers, each in namespaces and on processors of its own, as two
// machines are: what comes to an end is received by the processors of that end. The kernel would otherwise do the
// receiver's part where the sender runs.
type healthWire struct{ checker, servers wireEnd }

// wireEnd is an end of it.
type wireEnd struct {
	*private
	device     string
	address    netip.Prefix
	processors share
}

// checkedNetwork has the addresses of the servers. All are the other namespace's own.
func checkedNetwork() netip.Prefix { return netip.MustParsePrefix("198.18.0.0/16") }

// checkedAddress is the address of a server.
func checkedAddress(i int, port uint16) netip.AddrPort {
	bytes := checkedNetwork().Addr().As4()
	bytes[2], bytes[3] = byte(i>>8), byte(i)
	return netip.AddrPortFrom(netip.AddrFrom4(bytes), port)
}

// layHealthWire makes the pair. The checker has one processor.
func layHealthWire(ctx context.Context) (w *healthWire, err error) {
	first, second, err := shares()
	if err != nil {
		return nil, err
	}
	w = &healthWire{
		checker: wireEnd{device: "checker", address: netip.MustParsePrefix("198.19.0.1/30"), processors: first[:1]},
		servers: wireEnd{device: "servers", address: netip.MustParsePrefix("198.19.0.2/30"), processors: second},
	}
	defer func() {
		if err != nil {
			w.remove()
			err = fmt.Errorf("lay a wire to the servers: %w", err)
		}
	}()
	for _, end := range []*wireEnd{&w.checker, &w.servers} {
		if end.private, err = newPrivate(); err != nil {
			return nil, err
		}
		if err := end.do(silence); err != nil {
			return nil, err
		}
	}
	pair := fmt.Sprintf("link add %s type veth peer name %s netns %d", w.checker.device, w.servers.device, w.servers.thread)
	if err := w.checker.do(func() error { return runIP(ctx, pair) }); err != nil {
		return nil, err
	}
	if err := w.servers.configure(ctx, fmt.Sprintf("route add local %v dev lo", checkedNetwork())); err != nil {
		return nil, err
	}
	return w, w.checker.configure(ctx, fmt.Sprintf("route add %v via %v", checkedNetwork(), w.servers.address.Addr()))
}

// configure gives the end its address, a route, and the processors that receive what comes to it.
func (e *wireEnd) configure(ctx context.Context, route string) error {
	return e.do(func() error {
		if err := runIP(ctx, "link set lo up", fmt.Sprintf("address add %v dev %s", e.address, e.device),
			fmt.Sprintf("link set %s up", e.device), route); err != nil {
			return err
		}
		if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil { // that of the network namespace
			return fmt.Errorf("mount /sys: %w", err)
		}
		if err := os.WriteFile(e.file("queues/rx-0/rps_cpus"), []byte(e.processors.mask()), 0); err != nil {
			return fmt.Errorf("choose who receives packets: %w", err)
		}
		return nil
	})
}

// file is one of the device's in sysfs.
func (e *wireEnd) file(name string) string { return filepath.Join("/sys/class/net", e.device, name) }

// remove ends the namespaces, and the pair with them.
func (w *healthWire) remove() {
	for _, end := range []*wireEnd{&w.checker, &w.servers} {
		if end.private != nil {
			end.end()
		}
	}
}

// wireCount is how many packets have come to an end, and how many its processors have received, of all devices.
type wireCount struct{ came, received uint64 }

func (e *wireEnd) count() (c wireCount, err error) {
	err = e.do(func() (err error) {
		c, err = e.countHere()
		return err
	})
	if err != nil {
		return c, fmt.Errorf("count the packets that the %s received: %w", e.device, err)
	}
	return c, nil
}

func (e *wireEnd) countHere() (c wireCount, err error) {
	text, err := os.ReadFile(e.file("statistics/rx_packets"))
	if err != nil {
		return c, err
	}
	if c.came, err = strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64); err != nil {
		return c, err
	}
	statistics, err := os.ReadFile("/proc/net/softnet_stat")
	if err != nil {
		return c, err
	}
	byProcessor, err := receivedBy(statistics)
	if err != nil {
		return c, err
	}
	for _, cpu := range e.processors {
		c.received += byProcessor[cpu]
	}
	return c, nil
}

// receivedBy reads /proc/net/softnet_stat: how many packets each processor has received. The kernel says since 5.10 which
// processor a line is of.
func receivedBy(statistics []byte) (map[int]uint64, error) {
	const packets, processor, words = 0, 12, 13
	received := make(map[int]uint64)
	for lines := bufio.NewScanner(bytes.NewReader(statistics)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < words {
			return nil, errors.New("softnet_stat does not tell the processors: Linux 5.10 is needed")
		}
		cpu, err := strconv.ParseUint(fields[processor], 16, 31)
		if err != nil {
			return nil, err
		}
		if received[int(cpu)], err = strconv.ParseUint(fields[packets], 16, 32); err != nil {
			return nil, err
		}
	}
	return received, nil
}

// since is what has come and was received after an earlier count, which wraps at 32 bits.
func (c wireCount) since(before wireCount) wireCount {
	return wireCount{c.came - before.came, uint64(uint32(c.received - before.received))}
}

// counted counts at both ends what comes while do runs. It is an error if processors of an end received less than came
// to it: others did it for them then, and what was measured is not what it is said to be.
func (w *healthWire) counted(do func() error) (checker wireCount, err error) {
	ends := []*wireEnd{&w.servers, &w.checker}
	before := make([]wireCount, len(ends))
	for i, end := range ends {
		if before[i], err = end.count(); err != nil {
			return checker, err
		}
	}
	if err := do(); err != nil {
		return checker, err
	}
	for i, end := range ends {
		now, err := end.count()
		if err != nil {
			return checker, err
		}
		got := now.since(before[i])
		if got.received < got.came {
			return checker, fmt.Errorf("processors %v received %d packets, and %d came to the %s: others did it for them",
				end.processors, got.received, got.came, end.device)
		}
		if end == &w.checker {
			checker = got
		}
	}
	return checker, nil
}
