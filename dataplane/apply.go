package dataplane

import (
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// Apply makes the maps hold want, by the difference to what they hold now. Every step leaves tables that make sense to
// a packet that comes between two steps: what is pointed at is written before what points to it, and taken away after.
// Nothing of want is kept.
//
// After an error the maps hold part of the difference. The next call reads them again and does the rest.
func (d *DataPlane) Apply(want Tables) error { return d.ApplyChange(want, Change{All: true}) }

// ApplyChange is Apply for who knows where want differs from the tables that were applied before: it looks nowhere else,
// unless the maps have to be read again.
func (d *DataPlane) ApplyChange(want Tables, change Change) error {
	if err := d.applyChange(want, change); err != nil {
		d.held = nil
		return fmt.Errorf("apply: %w", err)
	}
	return nil
}

func (d *DataPlane) applyChange(want Tables, change Change) error {
	if err := want.validate(d.sizes()); err != nil {
		return err
	}
	if err := d.look(); err != nil {
		return err
	}
	if d.unsure {
		change = Change{All: true}
	}
	for _, step := range []func(*held, wanted) error{
		d.putPorts, d.placeServices, d.putReals, d.putPeers, d.putGates, d.putServices, d.putVIPs,
		d.deleteVIPs, d.deleteServices, d.deletePeers, d.deleteReals, d.deleteGates, d.deletePorts,
	} {
		if err := step(d.held, wanted{want, change}); err != nil {
			return err
		}
	}
	d.unsure = false
	return nil
}

// Written counts the map entries that Apply has written since Open.
func (d *DataPlane) Written() uint64 { return d.written }

// batchSize is how many entries are collected at most: enough that the calls do not count, and few enough that the kernel
// still finds them in the CPU's cache.
const batchSize = 2048

// batch collects entries of an array to write them at once.
type batch[V any] struct {
	into   *ebpf.Map
	keys   []uint32
	values []V
}

func (b *batch[V]) put(key uint32, values ...V) {
	b.keys = append(b.keys, key)
	b.values = append(b.values, values...) // one, or as many as there are CPUs
}

// isFull tells that it is time to flush.
func (b *batch[V]) isFull() bool { return len(b.keys) >= batchSize }

// flush writes what was collected.
func (b *batch[V]) flush(d *DataPlane) error {
	if len(b.keys) == 0 {
		return nil
	}
	n, err := b.into.BatchUpdate(b.keys, b.values, nil)
	d.written += uint64(n)
	if err != nil {
		return fmt.Errorf("write %d entries of %s, of which %d were: %w", len(b.keys), b.into, n, err)
	}
	b.keys, b.values = b.keys[:0], b.values[:0]
	return nil
}

// put writes one entry of a map that is no array.
func (d *DataPlane) put(m *ebpf.Map, key, value any) error {
	if err := m.Put(key, value); err != nil {
		return fmt.Errorf("write %s: %w", m, err)
	}
	d.written++
	return nil
}

func (d *DataPlane) remove(m *ebpf.Map, key any) error {
	if err := m.Delete(key); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) {
		return fmt.Errorf("delete from %s: %w", m, err)
	}
	d.written++
	return nil
}

// placeServices gives new services their ids. Packets find them only once putServices has written the index.
func (d *DataPlane) placeServices(h *held, want wanted) error {
	for key := range want.services(h) {
		_, isWanted := want.Services[key]
		if _, there := h.ids[key]; there || !isWanted {
			continue
		}
		raw, err := encodeKey(key)
		if err != nil {
			return err
		}
		id, err := h.index.take(raw)
		if err != nil {
			return fmt.Errorf("service %s: %w", key, err)
		}
		h.ids[key] = id
	}
	return nil
}

func (d *DataPlane) putGates(h *held, want wanted) error {
	if !h.alwaysOpen {
		if err := d.gates().put(AlwaysOpen, bpf.DroverGate{OpenUntil: ^uint64(0), ForwardUntil: ^uint64(0)}); err != nil {
			return err
		}
		h.alwaysOpen = true
	}
	for id, name := range want.Gates {
		if h.Gates[id] == name {
			continue
		}
		if err := d.gates().put(id, bpf.DroverGate{}); err != nil { // closed until its instance is MASTER
			return err
		}
		raw := bpf.DroverGateName{Interface: uint32(name.Interface), VirtualRouterId: uint32(name.VirtualRouterID)}
		if err := d.put(d.objects.GateNames, uint32(id), raw); err != nil {
			return fmt.Errorf("name gate %d: %w", id, err)
		}
		h.Gates[id] = name
	}
	return nil
}

func (d *DataPlane) deleteGates(h *held, want wanted) error {
	for id := range h.Gates {
		if _, wanted := want.Gates[id]; wanted {
			continue
		}
		if err := d.gates().put(id, bpf.DroverGate{}); err != nil {
			return err
		}
		if err := d.put(d.objects.GateNames, uint32(id), bpf.DroverGateName{}); err != nil {
			return fmt.Errorf("take the name of gate %d away: %w", id, err)
		}
		delete(h.Gates, id)
	}
	return nil
}

func (d *DataPlane) putVIPs(h *held, want wanted) error {
	for vip, its := range want.VIPs {
		if old, there := h.VIPs[vip]; there && old == its {
			continue
		}
		raw := bpf.DroverVip{Gate: uint32(its.Gate)}
		if its.Refuse {
			raw.Refuses = 1
		}
		if err := d.put(d.objects.Vips, encodeVIP(vip), raw); err != nil {
			return fmt.Errorf("VIP %s: %w", vip, err)
		}
		h.VIPs[vip] = its
	}
	return nil
}

func (d *DataPlane) deleteVIPs(h *held, want wanted) error {
	for vip := range h.VIPs {
		if _, wanted := want.VIPs[vip]; wanted {
			continue
		}
		if err := d.remove(d.objects.Vips, encodeVIP(vip)); err != nil {
			return fmt.Errorf("take VIP %s away: %w", vip, err)
		}
		delete(h.VIPs, vip)
	}
	return nil
}

func (d *DataPlane) putPorts(h *held, want wanted) error {
	for id, port := range want.Ports {
		if h.Ports[id] == port {
			continue
		}
		if err := d.put(d.objects.PortInterfaces, uint32(id), uint32(port.Interface)); err != nil {
			return fmt.Errorf("port %d to interface %d: %w", id, port.Interface, err)
		}
		if err := d.put(d.objects.Ports, uint32(id), bpf.DroverPort{Mac: port.MAC, Mtu: uint32(port.MTU)}); err != nil {
			return fmt.Errorf("port %d: %w", id, err)
		}
		h.Ports[id] = port
	}
	return nil
}

func (d *DataPlane) deletePorts(h *held, want wanted) error {
	for id := range h.Ports {
		if _, wanted := want.Ports[id]; wanted {
			continue
		}
		if err := d.put(d.objects.Ports, uint32(id), bpf.DroverPort{}); err != nil {
			return fmt.Errorf("take port %d away: %w", id, err)
		}
		if err := d.remove(d.objects.PortInterfaces, uint32(id)); err != nil {
			return fmt.Errorf("take port %d away: %w", id, err)
		}
		delete(h.Ports, id)
	}
	return nil
}

func (d *DataPlane) putPeers(h *held, want wanted) error {
	for peer := range want.Peers {
		id, there := h.ids[peer.Service]
		if h.Peers[peer] || !there {
			continue
		}
		if err := d.put(d.objects.Peers, bpf.DroverPeer{Mac: peer.MAC, Service: uint16(id)}, uint32(1)); err != nil {
			return fmt.Errorf("peer %s of %s: %w", peer.MAC, peer.Service, err)
		}
		h.Peers[peer] = true
	}
	return nil
}

func (d *DataPlane) deletePeers(h *held, want wanted) error {
	for peer := range h.Peers {
		if want.Peers[peer] {
			continue
		}
		if err := d.remove(d.objects.Peers, bpf.DroverPeer{Mac: peer.MAC, Service: uint16(h.ids[peer.Service])}); err != nil {
			return fmt.Errorf("take peer %s of %s away: %w", peer.MAC, peer.Service, err)
		}
		delete(h.Peers, peer)
	}
	return nil
}

// jiffies counts a duration as the program does, at least one unless it is zero.
func (d *DataPlane) jiffies(t time.Duration) uint32 {
	if t <= 0 {
		return 0
	}
	return uint32(max(1, toJiffies(t, d.hz)))
}
