package dataplane

import (
	"fmt"
	"slices"

	"drover/bpf"
)

// putServices writes the services that differ: each schedule beside the one in force, but those of hashes in place, then
// the service that points to it, then the index by which packets find a new one, and its gate.
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
		before := h.pieces[id]
		schedule, err := h.putSchedule(&lines, id, old, service)
		if err != nil {
			return fmt.Errorf("service %s: %w", key, err)
		}
		if now := h.pieces[id]; !there || now != before || !old.sameTerms(service) {
			services.put(uint32(id), d.encodeService(key, service, now))
			if now != before {
				replaced = append(replaced, before)
			}
		}
		service.Schedule = schedule
		h.Services[key] = service
		if lines.isFull() {
			if err := lines.flush(d); err != nil {
				return err
			}
		}
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

// putSchedule writes what differs between the schedules of a service, and returns that which is held now. The other stays
// where it is until the service points to the new one.
func (h *held) putSchedule(lines *batch[bpf.DroverScheduleLine], id serviceID, old, service Service) ([]RealID, error) {
	switch {
	case isPatch(old, service):
		patch(lines, h.pieces[id], old.Schedule, service.Schedule)
		return old.Schedule, nil
	case sameSchedule(old.Schedule, service.Schedule):
		return old.Schedule, nil
	}
	next, err := h.lines.take(uint32(len(service.Schedule)))
	if err != nil {
		return nil, err
	}
	for n := range linesFor(next.slots) {
		lines.put(next.line+n, encodeLine(lineOf(service.Schedule, n)))
	}
	h.pieces[id] = next
	return append(old.Schedule[:0], service.Schedule...), nil
}

// isPatch tells whether a schedule may be changed where it stands: each entry of a hash table stands for itself, and if only
// a few change, as when one real server goes down, all others need not be written.
func isPatch(old, service Service) bool {
	return old.Scheduler == ByHash && service.Scheduler == ByHash && len(old.Schedule) == len(service.Schedule)
}

// patch writes the lines that differ, and makes old the same.
func patch(lines *batch[bpf.DroverScheduleLine], p piece, old, schedule []RealID) {
	for n := range linesFor(uint32(len(schedule))) {
		if line := lineOf(schedule, n); !sameLine(lineOf(old, n), line) {
			lines.put(p.line+n, encodeLine(line))
			copy(lineOf(old, n), line)
		}
	}
}

func (d *DataPlane) encodeService(key ServiceKey, s Service, p piece) bpf.DroverService {
	raw := bpf.DroverService{
		Gate: uint32(s.Gate), Scheduler: bpf.DroverScheduler(s.Scheduler), Persistence: d.jiffies(s.Persistence),
		ClientMask: encodeMask(s.PersistencePrefix),
	}
	raw.Schedule.Line, raw.Schedule.Slots = p.line, p.slots
	for _, flag := range [...]struct {
		bit bpf.DroverServiceFlags
		set bool
	}{
		{bpf.DroverServiceFlagsHASH_PORT, s.HashPort}, {bpf.DroverServiceFlagsFALLBACK, s.Fallback},
		{bpf.DroverServiceFlagsONE_PACKET, s.OnePacket}, {bpf.DroverServiceFlagsHAS_LOCAL, s.HasLocal},
	} {
		if flag.set {
			raw.Flags |= flag.bit
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
