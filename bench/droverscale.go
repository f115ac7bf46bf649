package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/dataplane"
)

// services is Drover with many of them. Every real server is in every service.
type services struct {
	plane           *dataplane.DataPlane
	dir             string           // where the tables are pinned
	tables, changed dataplane.Tables // the first real server of the latter has another MAC address
}

func openServices(o scaleOptions) (changer, error) {
	plane, dir, err := openPlane(dataplane.Sizes{Flows: 1, Reals: o.services * o.reals})
	if err != nil {
		return nil, err
	}
	return &services{plane: plane, dir: dir, tables: manyServices(o, 0), changed: manyServices(o, 1)}, nil
}

func (s *services) apply() error { return s.plane.Apply(s.tables) }

func (s *services) change() error { return s.plane.Apply(s.changed) }

// again applies the same tables while no map can be written.
func (s *services) again() (written int, err error) {
	if err := freezeTables(s.dir); err != nil {
		return 0, err
	}
	err = s.plane.Apply(s.changed)
	if errors.Is(err, unix.EPERM) {
		return 1, nil
	}
	return 0, err
}

func (s *services) close() error { return s.plane.Remove() }

// manyServices gives the first real server a MAC address of the generation.
func manyServices(o scaleOptions, generation byte) dataplane.Tables {
	tables := dataplane.NewTables()
	for i := range o.services {
		key := dataplane.ServiceKey{
			Address:  netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 80),
			Protocol: dataplane.ProtocolTCP,
		}
		var service dataplane.Service
		for j := range o.reals {
			id := dataplane.RealID(1 + i*o.reals + j)
			mac := dataplane.MAC{0x02, 0, 0, 0, byte(j >> 8), byte(j)}
			if j == 0 {
				mac[2] = generation
			}
			address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(j >> 8), byte(j)}), 80)
			tables.Reals.Set(id, dataplane.Real{
				Service: key, Address: address, MAC: mac, State: dataplane.RealUp, Weight: 1,
			})
			service.Schedule = append(service.Schedule, id)
		}
		tables.Services[key] = service
		tables.VIPs[key.Address.Addr()] = dataplane.VIP{Gate: dataplane.AlwaysOpen}
	}
	return tables
}

// freezeTables has the kernel refuse every write to a map pinned in a directory that comes from user space, for ever.
func freezeTables(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	for _, entry := range entries {
		if err := freeze(filepath.Join(dir, entry.Name())); err != nil {
			return fmt.Errorf("freeze %s: %w", entry.Name(), err)
		}
	}
	return nil
}

// freeze leaves out what the kernel does not freeze: locks, which are not user space's to write.
func freeze(path string) error {
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return err
	}
	m, err := ebpf.LoadPinnedMap(path, nil)
	if err != nil {
		return err
	}
	defer m.Close()
	const notSupported = unix.Errno(524) // ENOTSUPP, which user space should not see
	if err := m.Freeze(); err != nil && !errors.Is(err, notSupported) {
		return err
	}
	return nil
}
