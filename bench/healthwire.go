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

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
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
	program    link.Link
	receiver   kernelThread
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
		checker: wireEnd{device: "check", address: netip.MustParsePrefix("198.19.0.1/30"), processors: first[:1]},
		servers: wireEnd{device: "serve", address: netip.MustParsePrefix("198.19.0.2/30"), processors: second},
	}
	if err := w.lay(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("lay a wire to the servers: %w", err), w.remove())
	}
	return w, nil
}

func (w *healthWire) lay(ctx context.Context) (err error) {
	for _, end := range w.ends() {
		if end.private, err = newPrivate(); err != nil {
			return err
		}
		if err := end.do(silence); err != nil {
			return err
		}
		end.device = fmt.Sprintf("%s-%d", end.device, end.thread) // no other of the machine has it
	}
	pair := fmt.Sprintf("link add %s numrxqueues 1 type veth peer name %s numrxqueues 1 netns %d",
		w.checker.device, w.servers.device, w.servers.thread)
	if err := w.checker.do(func() error { return runIP(ctx, pair) }); err != nil {
		return err
	}
	routes := []string{
		fmt.Sprintf("route add local %v dev lo", checkedNetwork()),
		fmt.Sprintf("route add %v via %v", checkedNetwork(), w.servers.address.Addr()),
	}
	for i, end := range w.ends() {
		if err := end.do(func() error { return end.configure(ctx, routes[i]) }); err != nil {
			return err
		}
	}
	return nil
}

func (w *healthWire) ends() []*wireEnd { return []*wireEnd{&w.servers, &w.checker} }

// configure gives the end its address, a route, and a thread that receives what comes to it.
//
// The thread has packets wait while its processor has other work, as a network card does, whose interrupts are moderated
// and off while packets are taken. Without it each packet interrupts another processor, which takes many times as long as
// receiving it where the processors are virtual. veth has queues for such a thread only when it has a program.
//
// Such a queue has room for 256 packets, which are there within 9 ms of 5000 checks a second, and the thread may have to
// wait longer than that. So the sender has a queue, too: it keeps what does not fit (Linux 6.16), as a switch would. Before
// that, such packets are lost, and checks fail.
func (e *wireEnd) configure(ctx context.Context, route string) error {
	place, err := placeOf(e.device)
	if err != nil {
		return err
	}
	pass, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Name: "pass", Type: ebpf.XDP, License: "GPL", Instructions: passAll(),
	})
	if err != nil {
		return err
	}
	defer pass.Close() // the link keeps it
	if e.program, err = attachNative(pass, place.index); err != nil {
		return err
	}
	if err := runIP(ctx, "link set lo up", fmt.Sprintf("address add %v dev %s", e.address, e.device),
		fmt.Sprintf("link set %s up", e.device), route); err != nil {
		return err
	}
	if err := runTC(ctx, fmt.Sprintf("qdisc add dev %s root pfifo limit %d", e.device, sendQueue)); err != nil {
		return err
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil { // that of the network namespace
		return fmt.Errorf("mount /sys: %w", err)
	}
	if err := os.WriteFile(e.file("threaded"), []byte("1"), 0); err != nil {
		return fmt.Errorf("have packets received by a thread: %w (Linux 5.12 is needed)", err)
	}
	if e.receiver, err = kernelThreadOf(fmt.Sprintf("napi/%s-*", e.device)); err != nil {
		return err
	}
	return e.processors.take(int(e.receiver), checkPriority)
}

// sendQueue is how many packets wait at most to be sent.
const sendQueue = 100_000

// file is one of the device's in sysfs.
func (e *wireEnd) file(name string) string { return filepath.Join("/sys/class/net", e.device, name) }

// remove ends the namespaces, and the pair with them.
func (w *healthWire) remove() (err error) {
	for _, end := range w.ends() {
		if end.program != nil {
			err = errors.Join(err, end.program.Close())
		}
		if end.private != nil {
			end.end()
		}
	}
	return err
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
	if c.came, err = e.statistic("rx_packets"); err != nil {
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

// statistic is one of the device's. The thread must be in its namespaces.
func (e *wireEnd) statistic(name string) (uint64, error) {
	text, err := os.ReadFile(e.file("statistics/" + name))
	if err != nil {
		return 0, err
	}
	return strconv.ParseUint(strings.TrimSpace(string(text)), 10, 64)
}

// lost is how many packets the other end had no room for.
func (w *healthWire) lost() (packets uint64, err error) {
	for _, end := range w.ends() {
		err := end.do(func() error {
			n, err := end.statistic("tx_dropped")
			packets += n
			return err
		})
		if err != nil {
			return 0, fmt.Errorf("count the packets that were lost behind %s: %w", end.device, err)
		}
	}
	return packets, nil
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
	var before [2]wireCount
	for i, end := range w.ends() {
		if before[i], err = end.count(); err != nil {
			return checker, err
		}
	}
	if err := do(); err != nil {
		return checker, err
	}
	for i, end := range w.ends() {
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
