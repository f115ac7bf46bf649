package dataplane

import (
	"errors"
	"fmt"
	"net"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// held is what the maps hold, and where.
type held struct {
	Tables
	index  index
	pieces map[serviceID]piece
	lines  lines
}

// Tables reads what the maps hold. After Open that is what an earlier process left, if it was taken over.
func (d *DataPlane) Tables() (Tables, error) {
	if d.held == nil {
		h, err := d.read()
		if err != nil {
			return Tables{}, fmt.Errorf("read the tables: %w", err)
		}
		d.held = h
	}
	return d.held.Tables.clone(), nil
}

func (d *DataPlane) read() (*held, error) {
	h := &held{Tables: NewTables(), index: make(index), pieces: make(map[serviceID]piece)}
	for _, step := range []func(*held) error{d.readGates, d.readReals, d.readServices, d.readVIPs} {
		if err := step(h); err != nil {
			return nil, err
		}
	}
	return h, nil
}

func (d *DataPlane) readGates(h *held) error {
	return each(d.objects.GateNames, func(id uint32, name bpf.DroverGateName) error {
		if name != (bpf.DroverGateName{}) {
			h.Gates[GateID(id)] = GateName{Interface: int(name.Interface), VirtualRouterID: uint8(name.VirtualRouterId)}
		}
		return nil
	})
}

func (d *DataPlane) readReals(h *held) error {
	reals := make(map[uint32]bpf.DroverReal)
	err := each(d.objects.Reals, func(id uint32, r bpf.DroverReal) error {
		reals[id] = r
		return nil
	})
	if err != nil {
		return err
	}
	return each(d.objects.RealNames, func(id uint32, name bpf.DroverRealName) error {
		if name == (bpf.DroverRealName{}) {
			return nil
		}
		real := Real{
			Service: decodeKey(name.Service),
			Address: decodeKey(bpf.DroverServiceKey{Address: name.Address, Port: name.Port}).Address,
			State:   RealState(reals[id].State),
		}
		if real.State != RealAbsent {
			mac := reals[id].Mac
			real.MAC = net.HardwareAddr(mac[:])
		}
		h.Reals[RealID(id)] = real
		return nil
	})
}

func (d *DataPlane) readServices(h *held) error {
	err := each(d.objects.ServiceIndex, func(at uint32, bucket bpf.DroverServiceBucket) error {
		if bucket != (bpf.DroverServiceBucket{}) {
			h.index[at] = bucket
		}
		return nil
	})
	if err != nil {
		return err
	}
	for at, bucket := range h.index {
		for slot, key := range bucket.Key {
			if key == (bpf.DroverServiceKey{}) {
				continue
			}
			if err := d.readService(h, serviceID(at*servicesPerBucket+uint32(slot)), decodeKey(key)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *DataPlane) readService(h *held, id serviceID, key ServiceKey) error {
	var s bpf.DroverService
	if err := d.objects.Services.Lookup(uint32(id), &s); err != nil {
		return fmt.Errorf("service %s: %w", key, err)
	}
	p := piece{line: s.Schedule.Line, slots: s.Schedule.Slots}
	service := Service{Gate: GateID(s.Gate), Schedule: make([]RealID, 0, p.slots)}
	for n := range linesFor(p.slots) {
		var line bpf.DroverScheduleLine
		if err := d.objects.Schedules.Lookup(p.line+n, &line); err != nil {
			return fmt.Errorf("schedule of %s: %w", key, err)
		}
		for _, real := range line.Real[:min(realsPerLine, p.slots-n*realsPerLine)] {
			service.Schedule = append(service.Schedule, RealID(real))
		}
	}
	h.Services[key], h.pieces[id] = service, p
	h.lines.mark(p, true)
	return nil
}

func (d *DataPlane) readVIPs(h *held) error {
	return each(d.objects.Vips, func(raw uint32, gate uint32) error {
		h.VIPs[decodeAddress(raw)] = GateID(gate)
		return nil
	})
}

// each calls do with every entry of a map, a batch at a time.
func each[V any](m *ebpf.Map, do func(key uint32, value V) error) error {
	const batch = 1024
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]uint32, batch)
		values = make([]V, batch)
	)
	for {
		n, err := m.BatchLookup(&cursor, keys, values, nil)
		if err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("map %s: %w", m, err)
		}
		for i := range n {
			if err := do(keys[i], values[i]); err != nil {
				return err
			}
		}
		if err != nil { // the last batch
			return nil
		}
	}
}
