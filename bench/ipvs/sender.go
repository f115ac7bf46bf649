package ipvs

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// batch is how many frames the sender puts on the cable before the kernel works on any: what a driver takes from a NIC
// at once.
const batch = 64

// sender sends packets of a script and counts what comes back; see wire.bpf.c.
type sender struct {
	objects wireObjects
	links   []link.Link
}

func newSender(script []wireStep) (*sender, error) {
	spec, err := loadWire()
	if err != nil {
		return nil, fmt.Errorf("read the sender: %w", err)
	}
	spec.Maps[wireMapScript].MaxEntries = uint32(len(script))
	for name, mac := range map[string]net.HardwareAddr{
		wireVarClientMac: clientMAC(), wireVarBalancerMac: balancerMAC(), wireVarRealMac: realServers()[0].mac,
	} {
		var word wireMac
		copy(word.Bytes[:], mac)
		if err := spec.Variables[name].Set(word); err != nil {
			return nil, fmt.Errorf("set %s: %w", name, err)
		}
	}
	for _, program := range spec.Programs {
		program.Flags |= unix.BPF_F_ANY_ALIGNMENT // the CPU allows it, which user-mode Linux does not know
	}
	s := &sender{}
	if err := spec.LoadAndAssign(&s.objects, nil); err != nil {
		return nil, fmt.Errorf("load the sender: %w", err)
	}
	places := make([]uint32, len(script))
	for i := range places {
		places[i] = uint32(i)
	}
	if _, err := s.objects.Script.BatchUpdate(places, script, nil); err != nil {
		return nil, errors.Join(fmt.Errorf("write the script: %w", err), s.close())
	}
	return s, nil
}

func (s *sender) close() error {
	errs := []error{s.objects.Close()}
	for _, l := range s.links {
		errs = append(errs, l.Close())
	}
	return errors.Join(errs...)
}

// attach puts a program on an interface, in native mode, for as long as the sender is open.
func (s *sender) attach(program *ebpf.Program, ifindex int) error {
	l, err := link.AttachXDP(link.XDPOptions{Program: program, Interface: ifindex, Flags: link.XDPDriverMode})
	if err != nil {
		return fmt.Errorf("attach to interface %d: %w", ifindex, err)
	}
	s.links = append(s.links, l)
	return nil
}

// interpreted tells whether the kernel runs BPF without compiling it.
func (s *sender) interpreted() (bool, error) {
	info, err := s.objects.Send.Info()
	if err != nil {
		return false, fmt.Errorf("look at the sender: %w", err)
	}
	switch _, err := info.JitedSize(); {
	case errors.Is(err, ebpf.ErrNotSupported): // compiled code has a size
		return true, nil
	case err != nil:
		return false, fmt.Errorf("look at the sender: %w", err)
	default:
		return false, nil
	}
}

// passage is a part of the script, the end not included.
type passage struct{ first, end int }

func (p passage) length() int { return p.end - p.first }

// play sends packets of the passage, from its beginning and over and over, and returns how long it took until the last
// was back. Each one must come back, to a real server.
func (s *sender) play(c cable, p passage, packets int) (time.Duration, error) {
	for variable, value := range map[*ebpf.Variable]int{
		s.objects.FirstStep: p.first, s.objects.NextStep: p.first, s.objects.EndStep: p.end, s.objects.Cable: c.nearIndex,
	} {
		if err := variable.Set(uint32(value)); err != nil {
			return 0, fmt.Errorf("instruct the sender: %w", err)
		}
	}
	before, err := s.received()
	if err != nil {
		return 0, err
	}
	start := time.Now()
	if err := s.send(c, packets); err != nil {
		return 0, err
	}
	if err := s.await(before, packets); err != nil {
		return 0, err
	}
	return time.Since(start), nil
}

func (s *sender) send(c cable, packets int) error {
	var meta wireXdpMd
	meta.DataEnd, meta.IngressIfindex = frameLength, uint32(c.nearIndex)
	_, err := s.objects.Send.Run(&ebpf.RunOptions{
		Data: frame(), Context: meta, Repeat: uint32(packets), Flags: unix.BPF_F_TEST_XDP_LIVE_FRAMES, BatchSize: batch,
	})
	if err != nil {
		return fmt.Errorf("send: %w", err)
	}
	return nil
}

// await returns when all packets have come since before: the kernel may still be at work on the last.
func (s *sender) await(before reception, packets int) error {
	const poll, patience = 50 * time.Microsecond, 2 * time.Second
	for deadline := time.Now().Add(patience); ; time.Sleep(poll) {
		all, err := s.received()
		if err != nil {
			return err
		}
		since := all.minus(before)
		if since.total() >= uint64(packets) || time.Now().After(deadline) {
			return since.check(packets)
		}
	}
}

func (s *sender) received() (reception, error) {
	var r reception
	for i := range r {
		if err := s.objects.Received.Lookup(uint32(i), &r[i]); err != nil {
			return reception{}, fmt.Errorf("read what was received: %w", err)
		}
	}
	return r, nil
}
