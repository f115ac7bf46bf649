package dataplane

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/bpf"
)

// GateID names a gate. AlwaysOpen is the gate of the services that hang on no VRRP instance.
type GateID uint16

// AlwaysOpen is the gate that needs no lease.
const AlwaysOpen GateID = 0

// MaxGates is the number of gates, AlwaysOpen included.
const MaxGates = int(bpf.DroverLimitsGATES)

func (id GateID) validate() error {
	if int(id) >= MaxGates {
		return fmt.Errorf("gate %d of at most %d: %w", id, MaxGates-1, ErrTablesFull)
	}
	return nil
}

// GateState is where a gate stands.
type GateState struct {
	// Lease is how long the gate stays open unless it is renewed; negative when the lease ran out, zero when it was
	// taken back.
	Lease time.Duration
	// Grace is how long packets that still arrive are forwarded once the gate is not open; not above zero when over.
	Grace time.Duration
}

// Gates is the gates alone, for a process that holds elections and leaves all else to the one that has the DataPlane. Its
// methods may be called from any goroutine.
type Gates struct {
	table *ebpf.Map
	ticks *ebpf.Program // reads the clock
	hz    uint64
}

// GateFiles are what OpenGates wants of a DataPlane, in that order, to be handed to another process. They are the caller's
// to close.
func (d *DataPlane) GateFiles() ([]*os.File, error) {
	d.swapping.RLock()
	defer d.swapping.RUnlock()
	var files []*os.File
	for _, object := range []struct {
		name string
		fd   int
	}{{"gates", d.objects.Gates.FD()}, {"clock", d.objects.ReadClock.FD()}} {
		fd, err := unix.FcntlInt(uintptr(object.fd), unix.F_DUPFD_CLOEXEC, 0)
		if err != nil {
			return files, fmt.Errorf("duplicate the descriptor of the %s: %w", object.name, err)
		}
		files = append(files, os.NewFile(uintptr(fd), object.name))
	}
	return files, nil
}

// OpenGates makes Gates of the file descriptors that another process has from GateFiles, and takes them over. They are
// good for as long as that process has its DataPlane, whatever it does with it.
func OpenGates(gates, clock int) (*Gates, error) {
	g := new(Gates)
	var errs [3]error
	g.hz, errs[0] = jiffiesPerSecond()
	g.table, errs[1] = ebpf.NewMapFromFD(gates)
	g.ticks, errs[2] = ebpf.NewProgramFromFD(clock)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("take over the gates: %w", errors.Join(err, g.Close()))
	}
	return g, nil
}

// Close releases what OpenGates took over.
func (g *Gates) Close() error { return errors.Join(g.table.Close(), g.ticks.Close()) }

// OpenGate lets the node speak for the VIPs of the gate until lease is over, and forward for grace more. A lease is
// renewed by calling this again, well before it ends; the resolution is a jiffy, 1 to 10 ms.
func (g *Gates) OpenGate(id GateID, lease, grace time.Duration) error {
	now, err := readClock(g.ticks, g.hz)
	if err != nil {
		return err
	}
	return g.put(id, bpf.DroverGate{OpenUntil: now.after(lease), ForwardUntil: now.after(lease + grace)})
}

// CloseGate takes the lease back: the node falls silent for the VIPs of the gate at once, and forwards what still
// arrives for grace.
func (g *Gates) CloseGate(id GateID, grace time.Duration) error {
	now, err := readClock(g.ticks, g.hz)
	if err != nil {
		return err
	}
	return g.put(id, bpf.DroverGate{ForwardUntil: now.after(grace)})
}

func (g *Gates) put(id GateID, gate bpf.DroverGate) error {
	if err := g.table.Put(uint32(id), gate); err != nil {
		return fmt.Errorf("write gate %d: %w", id, err)
	}
	return nil
}

// Gate reads where a gate stands.
func (g *Gates) Gate(id GateID) (GateState, error) {
	now, err := readClock(g.ticks, g.hz)
	if err != nil {
		return GateState{}, err
	}
	var gate bpf.DroverGate
	if err := g.table.Lookup(uint32(id), &gate); err != nil {
		return GateState{}, fmt.Errorf("read gate %d: %w", id, err)
	}
	state := GateState{Grace: now.until(gate.ForwardUntil)}
	if gate.OpenUntil != 0 {
		state.Lease = now.until(gate.OpenUntil)
	}
	return state, nil
}

// gates are those of the objects in use: swapping must be held.
func (d *DataPlane) gates() *Gates { return &Gates{d.objects.Gates, d.objects.ReadClock, d.hz} }

// OpenGate is Gates.OpenGate.
func (d *DataPlane) OpenGate(id GateID, lease, grace time.Duration) error {
	d.swapping.RLock()
	defer d.swapping.RUnlock()
	return d.gates().OpenGate(id, lease, grace)
}

// CloseGate is Gates.CloseGate.
func (d *DataPlane) CloseGate(id GateID, grace time.Duration) error {
	d.swapping.RLock()
	defer d.swapping.RUnlock()
	return d.gates().CloseGate(id, grace)
}

// Gate is Gates.Gate.
func (d *DataPlane) Gate(id GateID) (GateState, error) {
	d.swapping.RLock()
	defer d.swapping.RUnlock()
	return d.gates().Gate(id)
}
