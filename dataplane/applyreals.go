package dataplane

import (
	"fmt"
	"slices"

	"drover/bpf"
)

// realWrites are what is to be written of real servers.
type realWrites struct {
	reals   batch[bpf.DroverReal]
	terms   batch[bpf.DroverRealTerms]
	names   batch[bpf.DroverRealName]
	loads   batch[bpf.DroverRealLoad]
	shakes  batch[bpf.DroverHandshakes]
	traffic batch[[]byte]
	// nothing is traffic of none, for each CPU. As structs it would be encoded field by field, which takes longer than all
	// the rest.
	nothing [][]byte
}

func (d *DataPlane) newRealWrites() *realWrites {
	return &realWrites{
		reals:   batch[bpf.DroverReal]{into: d.objects.Reals},
		terms:   batch[bpf.DroverRealTerms]{into: d.objects.RealTerms},
		names:   batch[bpf.DroverRealName]{into: d.objects.RealNames},
		loads:   batch[bpf.DroverRealLoad]{into: d.objects.RealLoads},
		shakes:  batch[bpf.DroverHandshakes]{into: d.objects.Handshakes},
		traffic: batch[[]byte]{into: d.objects.RealTraffic},
		nothing: slices.Repeat([][]byte{make([]byte, d.objects.RealTraffic.ValueSize())}, d.cpus),
	}
}

// name says which real server gets an id.
func (w *realWrites) name(id RealID, service serviceID, real Real) {
	w.names.put(uint32(id), bpf.DroverRealName{
		Address: encodeAddress(real.Address.Addr()), Port: encodePort(real.Address.Port()), Service: uint32(service) + 1,
	})
}

// clear has nothing counted of an id.
func (w *realWrites) clear(id RealID) {
	w.loads.put(uint32(id), bpf.DroverRealLoad{})
	w.shakes.put(uint32(id), bpf.DroverHandshakes{})
	w.traffic.put(uint32(id), w.nothing...)
}

// flush writes what packets look for first at last.
func (w *realWrites) flush(d *DataPlane) error {
	for _, flush := range []func(*DataPlane) error{
		w.names.flush, w.loads.flush, w.shakes.flush, w.traffic.flush, w.terms.flush, w.reals.flush,
	} {
		if err := flush(d); err != nil {
			return err
		}
	}
	return nil
}

// putReals writes the real servers that differ. One that is new begins with nothing counted.
func (d *DataPlane) putReals(h *held, want wanted) error {
	h.Reals = slices.Grow(h.Reals, max(0, len(want.Reals)-len(h.Reals)))
	writes := d.newRealWrites()
	for id := range want.reals(h) {
		old, real := h.Reals.Get(id), want.Reals.Get(id)
		if old == real || real == (Real{}) {
			continue
		}
		if old.Service != real.Service || old.Address != real.Address {
			if err := d.retire(h, id); err != nil {
				return err
			}
			service, there := h.ids[real.Service]
			if !there {
				return fmt.Errorf("real server %s: there is no service %s", real.Address, real.Service)
			}
			writes.name(id, service, real)
			if id < d.uncounted {
				writes.clear(id)
			}
			d.uncounted = max(d.uncounted, id+1)
		}
		if encodeTerms(old) != encodeTerms(real) {
			writes.terms.put(uint32(id), encodeTerms(real))
		}
		if encodeReal(old) != encodeReal(real) {
			writes.reals.put(uint32(id), encodeReal(real))
		}
		h.Reals.Set(id, real)
		if writes.names.isFull() || writes.terms.isFull() || writes.reals.isFull() {
			if err := writes.flush(d); err != nil {
				return err
			}
		}
	}
	return writes.flush(d)
}

func encodeReal(r Real) bpf.DroverReal {
	return bpf.DroverReal{Mac: r.MAC, State: bpf.DroverRealState(r.State), Port: uint8(r.Port)}
}

func encodeTerms(r Real) bpf.DroverRealTerms {
	return bpf.DroverRealTerms{Upper: r.Upper, Lower: r.Lower, Weight: r.Weight}
}

// deleteReals takes real servers away, together with those of services that went.
func (d *DataPlane) deleteReals(h *held, want wanted) error {
	var (
		reals = batch[bpf.DroverReal]{into: d.objects.Reals}
		names = batch[bpf.DroverRealName]{into: d.objects.RealNames}
	)
	for n := range want.reals(h) {
		if h.Reals.Get(n) == (Real{}) || want.Reals.Get(n) != (Real{}) {
			continue
		}
		if err := d.retire(h, n); err != nil {
			return err
		}
		reals.put(uint32(n), bpf.DroverReal{})
		names.put(uint32(n), bpf.DroverRealName{})
		h.Reals[n] = Real{}
	}
	if err := reals.flush(d); err != nil {
		return err
	}
	if err := names.flush(d); err != nil {
		return err
	}
	for key, id := range h.ids { // of services that are gone: now nothing refers to their ids any more
		if _, there := h.Services[key]; !there {
			if err := d.put(d.objects.PastTraffic, uint32(id), bpf.DroverTraffic{}); err != nil {
				return err
			}
			delete(h.ids, key)
		}
	}
	return nil
}

// retire adds what a real server has counted to what its service keeps of those that have left it.
func (d *DataPlane) retire(h *held, id RealID) error {
	real := h.Reals.Get(id)
	service, there := h.ids[real.Service]
	if real == (Real{}) || !there {
		return nil
	}
	counted, err := d.realTraffic(id)
	if err != nil || counted == (Traffic{}) {
		return err
	}
	past, err := d.pastTraffic(service)
	if err != nil {
		return err
	}
	sum := past.plus(counted)
	return d.put(d.objects.PastTraffic, uint32(service),
		bpf.DroverTraffic{Packets: sum.Packets, Bytes: sum.Bytes, Connections: sum.Connections})
}
