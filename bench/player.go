package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/bench/yardstick"
)

// xdpTX is what an XDP program returns to send the packet back out (XDP_TX).
const xdpTX = 3

// player plays a script of packets to programs, or out of an interface; see yardstick/player.bpf.c.
type player struct {
	objects yardstick.PlayerObjects
	family  Family
	length  int // of the script
}

func newPlayer(family Family, script []yardstick.PlayerStep) (*player, error) {
	spec, err := yardstick.LoadPlayer()
	if err != nil {
		return nil, fmt.Errorf("read the player: %w", err)
	}
	spec.Maps[yardstick.PlayerMapScript].MaxEntries = uint32(len(script))
	spec.Maps[yardstick.PlayerMapOutcome].MaxEntries = uint32(len(script))
	if err := errors.Join(setVariables(spec, family.shape()), setVariables(spec, map[string]any{
		yardstick.PlayerVarScriptLength: uint32(len(script)),
		yardstick.PlayerVarBalancerMac:  eightBytes(balancerMAC()),
		yardstick.PlayerVarRouterMac:    eightBytes(routerMAC()),
	})); err != nil {
		return nil, fmt.Errorf("player: %w", err)
	}
	p := &player{family: family, length: len(script)}
	if err := spec.LoadAndAssign(&p.objects, nil); err != nil {
		return nil, fmt.Errorf("load the player: %w", err)
	}
	if err := p.write(script); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

func (p *player) write(script []yardstick.PlayerStep) error {
	places := make([]uint32, len(script))
	for i := range places {
		places[i] = uint32(i)
	}
	if _, err := p.objects.Script.BatchUpdate(places, script, nil); err != nil {
		return fmt.Errorf("write the script: %w", err)
	}
	return nil
}

func (p *player) close() error { return p.objects.Close() }

// rewind makes a step of the script the next.
func (p *player) rewind(to int) error {
	if err := p.objects.NextStep.Set(uint32(to)); err != nil {
		return fmt.Errorf("set the script to step %d: %w", to, err)
	}
	return nil
}

// play gives program the next packets of the script, from the given step on, over and over until there were as many as
// asked for. It returns the nanoseconds of processor time per packet. An error tells that the last packet was not sent
// to a real server; that the others were is for the caller to see from the counters.
func (p *player) play(program *ebpf.Program, from, packets int) (float64, error) {
	if err := p.rewind(from); err != nil {
		return 0, err
	}
	return p.run(p.objects.XdpPlay, program, packets)
}

// run repeats an entry of the player, which jumps to program each time.
func (p *player) run(entry, program *ebpf.Program, packets int) (float64, error) {
	if err := p.objects.ProgramUnderTest.Put(uint32(0), program); err != nil {
		return 0, fmt.Errorf("put the program under test: %w", err)
	}
	options := &ebpf.RunOptions{
		Data: p.family.frame(), DataOut: make([]byte, len(p.family.frame())), Repeat: uint32(packets),
	}
	start, err := processorTime()
	if err != nil {
		return 0, err
	}
	verdict, err := entry.Run(options)
	if err != nil {
		return 0, fmt.Errorf("run: %w", err)
	}
	end, err := processorTime()
	if err != nil {
		return 0, err
	}
	if err := forwarded(verdict, options.DataOut); err != nil {
		return 0, err
	}
	return float64(end-start) / float64(packets), nil
}

// send has the next packets of the script, from the given step on, leave the interface of the thread's network
// namespace that has the index. It returns when the last has left. Linux 5.18 or newer.
func (p *player) send(ifindex, from, packets int) error {
	if err := p.rewind(from); err != nil {
		return err
	}
	const batch = 64 // what a driver takes in one poll; the kernel refuses more than 256
	frame := p.family.frame()
	_, err := p.objects.XdpSend.Run(&ebpf.RunOptions{
		Data: frame, Repeat: uint32(packets), Flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES, BatchSize: batch,
		Context: yardstick.PlayerXdpMd{DataEnd: uint32(len(frame)), IngressIfindex: uint32(ifindex)},
	})
	if err != nil {
		return fmt.Errorf("send live frames: %w", err)
	}
	return nil
}

// forwarded tells whether a packet went to a real server, from the interface.
func forwarded(verdict uint32, frame []byte) error {
	if verdict != xdpTX {
		return fmt.Errorf("the program returned %d, not XDP_TX", verdict)
	}
	to, from := net.HardwareAddr(frame[0:6]), net.HardwareAddr(frame[6:12])
	known := slices.ContainsFunc(realMACs(), func(mac net.HardwareAddr) bool { return bytes.Equal(mac, to) })
	if !known || !bytes.Equal(from, balancerMAC()) {
		return fmt.Errorf("the packet went from %s to %s, not from %s to a real server", from, to, balancerMAC())
	}
	return nil
}

// processorTime is what the thread has used so far. Unlike the time that the kernel reports of a test run it is not
// rounded to whole nanoseconds per packet; like that it leaves out what other threads took.
func processorTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("read the thread's processor time: %w", err)
	}
	return time.Duration(t.Nano()), nil
}

// setVariables gives the constants of a program their values.
func setVariables(spec *ebpf.CollectionSpec, values map[string]any) error {
	for name, value := range values {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

func eightBytes(mac net.HardwareAddr) (eight [8]byte) {
	copy(eight[:], mac)
	return eight
}
