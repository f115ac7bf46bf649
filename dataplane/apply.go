package dataplane

import (
	"fmt"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// Apply makes the maps hold want, by the difference to what they hold now. Every step leaves tables that make sense to
// a packet that comes between two steps: what is pointed at is written before what points to it, and taken away after.
//
// After an error the maps hold part of the difference. The next call reads them again and does the rest.
func (d *DataPlane) Apply(want Tables) error {
	if err := want.validate(); err != nil {
		return fmt.Errorf("apply: %w", err)
	}
	if _, err := d.Tables(); err != nil {
		return err
	}
	want = want.clone()
	for _, step := range []func(*held, Tables) error{
		d.putReals, d.putGates, d.putServices, d.putVIPs,
		d.deleteVIPs, d.deleteServices, d.deleteReals, d.deleteGates,
	} {
		if err := step(d.held, want); err != nil {
			d.held = nil
			return fmt.Errorf("apply: %w", err)
		}
	}
	return nil
}

func (d *DataPlane) putReals(h *held, want Tables) error {
	for id, real := range want.Reals {
		old, there := h.Reals[id]
		if there && old.equal(real) {
			continue
		}
		if !there || old.Service != real.Service || old.Address != real.Address {
			if err := d.nameReal(id, real); err != nil {
				return fmt.Errorf("real server %s of %s: %w", real.Address, real.Service, err)
			}
		}
		if err := d.putReal(id, real); err != nil {
			return fmt.Errorf("real server %s of %s: %w", real.Address, real.Service, err)
		}
		h.Reals[id] = real
	}
	return nil
}

// nameReal gives an id to a real server, which starts with nothing counted.
func (d *DataPlane) nameReal(id RealID, real Real) error {
	service, err := encodeKey(real.Service)
	if err != nil {
		return err
	}
	address, err := encodeAddress(real.Address.Addr())
	if err != nil {
		return err
	}
	if err := zero(d.objects.RealTraffic, uint32(id)); err != nil {
		return err
	}
	name := bpf.DroverRealName{Address: address, Port: encodePort(real.Address.Port()), Service: service}
	return d.objects.RealNames.Put(uint32(id), name)
}

func (d *DataPlane) putReal(id RealID, real Real) error {
	value := bpf.DroverReal{State: uint16(real.State)}
	if real.State != RealAbsent {
		if len(real.MAC) != len(value.Mac) {
			return fmt.Errorf("%q is not an Ethernet MAC address", real.MAC)
		}
		copy(value.Mac[:], real.MAC)
	}
	return d.objects.Reals.Put(uint32(id), value)
}

func (d *DataPlane) putGates(h *held, want Tables) error {
	for id, name := range want.Gates {
		if h.Gates[id] == name {
			continue
		}
		if err := d.putGate(id, bpf.DroverGate{}); err != nil { // closed until its instance is MASTER
			return err
		}
		raw := bpf.DroverGateName{Interface: uint32(name.Interface), VirtualRouterId: uint32(name.VirtualRouterID)}
		if err := d.objects.GateNames.Put(uint32(id), raw); err != nil {
			return fmt.Errorf("name gate %d: %w", id, err)
		}
		h.Gates[id] = name
	}
	return d.putGate(AlwaysOpen, bpf.DroverGate{OpenUntil: ^uint64(0), ForwardUntil: ^uint64(0)})
}

func (d *DataPlane) putServices(h *held, want Tables) error {
	for key, service := range want.Services {
		if old, there := h.Services[key]; there && old.equal(service) {
			continue
		}
		if err := d.putService(h, key, service); err != nil {
			return fmt.Errorf("service %s: %w", key, err)
		}
		h.Services[key] = service
	}
	return nil
}

func (d *DataPlane) putService(h *held, key ServiceKey, service Service) error {
	if len(service.Schedule) > MaxSchedule {
		return fmt.Errorf("a schedule of %d turns; at most %d", len(service.Schedule), MaxSchedule)
	}
	raw, err := encodeKey(key)
	if err != nil {
		return err
	}
	id, there := h.index.find(raw)
	if !there {
		if id, err = h.index.free(raw); err != nil {
			return err
		}
		if err := zero(d.objects.ServiceTraffic, uint32(id)); err != nil {
			return err
		}
	}
	if err := d.pointService(h, id, service); err != nil || there {
		return err
	}
	return d.putIndex(h, id, raw)
}

// pointService writes the schedule beside the one in force and then points the service to it.
func (d *DataPlane) pointService(h *held, id serviceID, service Service) error {
	p, err := h.lines.take(uint32(len(service.Schedule)))
	if err != nil {
		return err
	}
	for n, line := range cut(service.Schedule) {
		if err := d.objects.Schedules.Put(p.line+uint32(n), line); err != nil {
			return fmt.Errorf("write the schedule: %w", err)
		}
	}
	var raw bpf.DroverService
	raw.Schedule.Line, raw.Schedule.Slots, raw.Gate = p.line, p.slots, uint32(service.Gate)
	if err := d.objects.Services.Put(uint32(id), raw); err != nil {
		return err
	}
	h.lines.give(h.pieces[id])
	h.pieces[id] = p
	return nil
}

func (d *DataPlane) putIndex(h *held, id serviceID, key bpf.DroverServiceKey) error {
	bucket := h.index[id.bucket()]
	bucket.Key[id.slot()] = key
	if err := d.objects.ServiceIndex.Put(id.bucket(), bucket); err != nil {
		return fmt.Errorf("write the index: %w", err)
	}
	h.index[id.bucket()] = bucket
	return nil
}

func (d *DataPlane) putVIPs(h *held, want Tables) error {
	for vip, gate := range want.VIPs {
		if old, there := h.VIPs[vip]; there && old == gate {
			continue
		}
		raw, err := encodeAddress(vip)
		if err != nil {
			return fmt.Errorf("VIP: %w", err)
		}
		if err := d.objects.Vips.Put(raw, uint32(gate)); err != nil {
			return fmt.Errorf("VIP %s: %w", vip, err)
		}
		h.VIPs[vip] = gate
	}
	return nil
}

func (d *DataPlane) deleteVIPs(h *held, want Tables) error {
	for vip := range h.VIPs {
		if _, wanted := want.VIPs[vip]; wanted {
			continue
		}
		raw, err := encodeAddress(vip)
		if err != nil {
			return fmt.Errorf("VIP: %w", err)
		}
		if err := d.objects.Vips.Delete(raw); err != nil {
			return fmt.Errorf("take VIP %s away: %w", vip, err)
		}
		delete(h.VIPs, vip)
	}
	return nil
}

func (d *DataPlane) deleteServices(h *held, want Tables) error {
	for key := range h.Services {
		if _, wanted := want.Services[key]; wanted {
			continue
		}
		raw, err := encodeKey(key)
		if err != nil {
			return err
		}
		if id, there := h.index.find(raw); there {
			if err := d.putIndex(h, id, bpf.DroverServiceKey{}); err != nil {
				return fmt.Errorf("take service %s away: %w", key, err)
			}
			h.lines.give(h.pieces[id])
			delete(h.pieces, id)
		}
		delete(h.Services, key)
	}
	return nil
}

func (d *DataPlane) deleteReals(h *held, want Tables) error {
	for id, real := range h.Reals {
		if _, wanted := want.Reals[id]; wanted {
			continue
		}
		if err := d.objects.Reals.Put(uint32(id), bpf.DroverReal{}); err != nil {
			return fmt.Errorf("take real server %s of %s away: %w", real.Address, real.Service, err)
		}
		if err := d.objects.RealNames.Put(uint32(id), bpf.DroverRealName{}); err != nil {
			return fmt.Errorf("take the name of real server %s of %s away: %w", real.Address, real.Service, err)
		}
		delete(h.Reals, id)
	}
	return nil
}

func (d *DataPlane) deleteGates(h *held, want Tables) error {
	for id := range h.Gates {
		if _, wanted := want.Gates[id]; wanted {
			continue
		}
		if err := d.putGate(id, bpf.DroverGate{}); err != nil {
			return err
		}
		if err := d.objects.GateNames.Put(uint32(id), bpf.DroverGateName{}); err != nil {
			return fmt.Errorf("take the name of gate %d away: %w", id, err)
		}
		delete(h.Gates, id)
	}
	return nil
}

// zero starts the per-CPU counters of an entry anew.
func zero(m *ebpf.Map, key uint32) error {
	cpus, err := ebpf.PossibleCPU()
	if err != nil {
		return fmt.Errorf("count the CPUs: %w", err)
	}
	if err := m.Put(key, make([]bpf.DroverTraffic, cpus)); err != nil {
		return fmt.Errorf("zero the counters of %s: %w", m, err)
	}
	return nil
}
