package dataplane

import (
	"fmt"
	"time"

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

// OpenGate lets the node speak for the VIPs of the gate until lease is over, and forward for grace more. A lease is
// renewed by calling this again, well before it ends; the resolution is a jiffy, 1 to 10 ms.
func (d *DataPlane) OpenGate(id GateID, lease, grace time.Duration) error {
	d.swapping.RLock()
	defer d.swapping.RUnlock()
	now, err := d.clock()
	if err != nil {
		return err
	}
	return d.putGate(id, bpf.DroverGate{OpenUntil: now.after(lease), ForwardUntil: now.after(lease + grace)})
}

// CloseGate takes the lease back: the node falls silent for the VIPs of the gate at once, and forwards what still
// arrives for grace.
func (d *DataPlane) CloseGate(id GateID, grace time.Duration) error {
	d.swapping.RLock()
	defer d.swapping.RUnlock()
	now, err := d.clock()
	if err != nil {
		return err
	}
	return d.putGate(id, bpf.DroverGate{ForwardUntil: now.after(grace)})
}

func (d *DataPlane) putGate(id GateID, gate bpf.DroverGate) error {
	if err := d.objects.Gates.Put(uint32(id), gate); err != nil {
		return fmt.Errorf("write gate %d: %w", id, err)
	}
	return nil
}

// Gate reads where a gate stands.
func (d *DataPlane) Gate(id GateID) (GateState, error) {
	d.swapping.RLock()
	defer d.swapping.RUnlock()
	now, err := d.clock()
	if err != nil {
		return GateState{}, err
	}
	var gate bpf.DroverGate
	if err := d.objects.Gates.Lookup(uint32(id), &gate); err != nil {
		return GateState{}, fmt.Errorf("read gate %d: %w", id, err)
	}
	state := GateState{Grace: now.until(gate.ForwardUntil)}
	if gate.OpenUntil != 0 {
		state.Lease = now.until(gate.OpenUntil)
	}
	return state, nil
}
