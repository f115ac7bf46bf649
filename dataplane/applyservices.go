package dataplane

import (
	"fmt"
	"slices"

	"drover/bpf"
)

// putServices writes the services that differ: each schedule beside the one in force, then the service that points to it,
// then the index by which packets find a new one, and its gate.
func (d *DataPlane) putServices(h *held, want wanted) error {
	var (
		lines    = batch[bpf.DroverScheduleLine]{into: d.objects.Schedules}
		services = batch[bpf.DroverService]{into: d.objects.Services}
		replaced []piece
		indexed  []serviceID
	)
	for key := range want.services(h) {
		service, isWanted := want.Services[key]
		old, there := h.Services[key]
		if !isWanted {
			continue
		}
		id := h.ids[key]
		if news := h.index.describe(id, service); news || !there {
			indexed = append(indexed, id)
		}
		if there && old.equal(service) {
			continue
		}
		p := h.pieces[id]
		if !there || !slices.Equal(old.Schedule, service.Schedule) {
			replaced = append(replaced, p)
			var err error
			if p, err = h.lines.take(uint32(len(service.Schedule))); err != nil {
				return fmt.Errorf("service %s: %w", key, err)
			}
			for n, line := range cut(service.Schedule) {
				lines.put(p.line+uint32(n), line)
			}
			h.pieces[id] = p
		}
		services.put(uint32(id), d.encodeService(key, service, p))
		h.Services[key] = service
	}
	if err := lines.flush(d); err != nil {
		return err
	}
	if err := services.flush(d); err != nil {
		return err
	}
	for _, p := range replaced {
		h.lines.give(p)
	}
	return d.putIndex(h, indexed)
}

func (d *DataPlane) encodeService(key ServiceKey, s Service, p piece) bpf.DroverService {
	raw := bpf.DroverService{
		Gate: uint32(s.Gate), Scheduler: bpf.DroverScheduler(s.Scheduler), Persistence: d.jiffies(s.Persistence),
		ClientMask: encodeMask(s.PersistencePrefix),
	}
	raw.Schedule.Line, raw.Schedule.Slots = p.line, p.slots
	for flag, set := range map[bpf.DroverServiceFlags]bool{
		bpf.DroverServiceFlagsHASH_PORT: s.HashPort, bpf.DroverServiceFlagsFALLBACK: s.Fallback,
		bpf.DroverServiceFlagsONE_PACKET: s.OnePacket, bpf.DroverServiceFlagsHAS_LOCAL: s.HasLocal,
	} {
		if set {
			raw.Flags |= flag
		}
	}
	if key.Address.Addr().Is6() {
		raw.Address = encodeAddress(key.Address.Addr())
	}
	return raw
}

func (d *DataPlane) decodeService(raw bpf.DroverService) Service {
	has := func(flag bpf.DroverServiceFlags) bool { return raw.Flags&flag != 0 }
	return Service{
		Gate: GateID(raw.Gate), Scheduler: Scheduler(raw.Scheduler), HashPort: has(bpf.DroverServiceFlagsHASH_PORT),
		Fallback: has(bpf.DroverServiceFlagsFALLBACK), OnePacket: has(bpf.DroverServiceFlagsONE_PACKET),
		HasLocal: has(bpf.DroverServiceFlagsHAS_LOCAL), Persistence: fromJiffies(int64(raw.Persistence), d.hz),
		PersistencePrefix: decodeMask(raw.ClientMask),
	}
}

// putIndex writes the buckets of services that came or went, or have other terms.
func (d *DataPlane) putIndex(h *held, changed []serviceID) error {
	buckets := batch[bpf.DroverServiceBucket]{into: d.objects.ServiceIndex}
	for _, id := range changed {
		if !slices.Contains(buckets.keys, id.bucket()) {
			buckets.put(id.bucket(), h.index[id.bucket()])
		}
	}
	return buckets.flush(d)
}

func (d *DataPlane) deleteServices(h *held, want wanted) error {
	var gone []serviceID
	for key := range want.services(h) {
		_, isWanted := want.Services[key]
		if _, there := h.Services[key]; !there || isWanted {
			continue
		}
		id := h.ids[key]
		h.index.give(id)
		h.lines.give(h.pieces[id])
		delete(h.pieces, id)
		delete(h.Services, key)
		gone = append(gone, id)
	}
	return d.putIndex(h, gone)
}
