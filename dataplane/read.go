package dataplane

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// held is what the maps hold, and where.
type held struct {
	Tables
	ids        map[ServiceKey]serviceID
	index      index
	pieces     map[serviceID]piece
	lines      *lines
	alwaysOpen bool // the gate of that name has been written
}

// Tables reads what the maps hold. After Open that is what an earlier process left, if it was taken over.
func (d *DataPlane) Tables() (Tables, error) {
	if err := d.look(); err != nil {
		return Tables{}, err
	}
	return d.held.Tables.clone(), nil
}

// look makes sure that it is known what the maps hold.
func (d *DataPlane) look() error {
	if d.held != nil {
		return nil
	}
	h, err := d.read()
	if err != nil {
		return fmt.Errorf("read the tables: %w", err)
	}
	d.held, d.unsure = h, true
	return nil
}

func (d *DataPlane) read() (*held, error) {
	h := &held{
		Tables: NewTables(), ids: make(map[ServiceKey]serviceID), index: make(index), pieces: make(map[serviceID]piece),
		lines: newLines(d.objects.Schedules.MaxEntries()),
	}
	for _, step := range []func(*held) error{
		d.readGates, d.readPorts, d.readServices, d.readReals, d.readPeers, d.readVIPs,
	} {
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

func (d *DataPlane) readPorts(h *held) error {
	return each(d.objects.Ports, func(id uint32, port bpf.DroverPort) error {
		if port == (bpf.DroverPort{}) {
			return nil
		}
		var ifindex uint32
		if err := d.objects.PortInterfaces.Lookup(id, &ifindex); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
			return fmt.Errorf("interface of port %d: %w", id, err)
		}
		h.Ports[PortID(id)] = Port{Interface: int(ifindex), MAC: port.Mac, MTU: int(port.Mtu)}
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
			if err := d.readService(h, serviceAt(at, slot), key); err != nil {
				return err
			}
		}
	}
	return nil
}

func (d *DataPlane) readService(h *held, id serviceID, key bpf.DroverServiceKey) error {
	var raw bpf.DroverService
	if err := d.objects.Services.Lookup(uint32(id), &raw); err != nil {
		return fmt.Errorf("service %d: %w", id, err)
	}
	name := decodeKey(key, raw.Address)
	p := piece{line: raw.Schedule.Line, slots: raw.Schedule.Slots}
	service := d.decodeService(raw)
	service.Schedule = make([]RealID, 0, p.slots)
	for n := range linesFor(p.slots) {
		var line bpf.DroverScheduleLine
		if err := d.objects.Schedules.Lookup(p.line+n, &line); err != nil {
			return fmt.Errorf("schedule of %s: %w", name, err)
		}
		for _, real := range line.Real[:min(realsPerLine, p.slots-n*realsPerLine)] {
			service.Schedule = append(service.Schedule, RealID(real))
		}
	}
	h.Services[name], h.ids[name], h.pieces[id] = service, id, p
	h.lines.mark(p, true)
	return nil
}

func (d *DataPlane) readReals(h *held) error {
	keys := make(map[uint32]ServiceKey, len(h.ids))
	for key, id := range h.ids {
		keys[uint32(id)+1] = key
	}
	err := each(d.objects.RealNames, func(id uint32, name bpf.DroverRealName) error {
		service, there := keys[name.Service]
		if there { // else the id is free, or an Apply that failed has left a name behind
			h.Reals.Set(RealID(id), Real{
				Service: service, Address: netip.AddrPortFrom(decodeAddress(name.Address, service), decodePort(name.Port)),
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(h.Reals) == 0 {
		return nil
	}
	err = each(d.objects.RealTerms, func(id uint32, terms bpf.DroverRealTerms) error {
		if h.Reals.Get(RealID(id)) != (Real{}) {
			real := &h.Reals[id]
			real.Weight, real.Upper, real.Lower = terms.Weight, terms.Upper, terms.Lower
		}
		return nil
	})
	if err != nil {
		return err
	}
	return each(d.objects.Reals, func(id uint32, raw bpf.DroverReal) error {
		if h.Reals.Get(RealID(id)) != (Real{}) {
			real := &h.Reals[id]
			real.MAC, real.State, real.Port = raw.Mac, RealState(raw.State), PortID(raw.Port)
		}
		return nil
	})
}

func (d *DataPlane) readPeers(h *held) error {
	keys := make(map[uint16]ServiceKey, len(h.ids))
	for key, id := range h.ids {
		keys[uint16(id)] = key
	}
	var (
		raw bpf.DroverPeer
		one uint32
		all = d.objects.Peers.Iterate()
	)
	for all.Next(&raw, &one) {
		if key, there := keys[raw.Service]; there {
			h.Peers[Peer{Service: key, MAC: raw.Mac}] = true
		}
	}
	return all.Err()
}

func (d *DataPlane) readVIPs(h *held) error {
	var (
		raw bpf.DroverIn6Addr
		its bpf.DroverVip
		all = d.objects.Vips.Iterate()
	)
	for all.Next(&raw, &its) {
		h.VIPs[decodeVIP(raw)] = VIP{Gate: GateID(its.Gate), Refuse: its.Refuses != 0}
	}
	return all.Err()
}

// each calls do with every entry of an array, a batch at a time.
func each[V any](m *ebpf.Map, do func(key uint32, value V) error) error {
	const size = 4096
	var (
		cursor ebpf.MapBatchCursor
		keys   = make([]uint32, size)
		values = make([]V, size)
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
