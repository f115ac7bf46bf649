package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/ctrl"
	"drover/ctrl/config"
	"drover/dataplane"
)

// services is Drover with many of them, planned as its daemon does. Every real server is in every service.
type services struct {
	*ctrl.Rehearsal
	plane  *dataplane.DataPlane
	dir    string // where the tables are pinned
	config *config.Config
	wrote  uint64 // entries, by the reload of what was there
}

func openServices(scheduler string) func(scaleOptions) (changer, error) {
	return func(o scaleOptions) (changer, error) {
		c := manyServices(o, scheduler)
		sizes := ctrl.SizesFor(c)
		sizes.Flows, sizes.Flows6 = 1, 1
		plane, dir, err := openPlane(sizes)
		if err != nil {
			return nil, err
		}
		return &services{Rehearsal: ctrl.NewRehearsal(plane, c), plane: plane, dir: dir, config: c}, nil
	}
}

// manyServices gives the real servers weights of 1 to 3.
func manyServices(o scaleOptions, scheduler string) *config.Config {
	c := &config.Config{}
	for i := range o.services {
		v := config.VirtualServer{
			Address: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Port: 80, Scheduler: scheduler,
		}
		for j := range o.reals {
			r := config.RealServer{Address: machine(j), Port: 80, Weight: weightOf(j)}
			ask := &config.HTTPCheck{URLs: []config.URL{{Path: "/"}}}
			r.Checks = []config.Check{{CheckSocket: config.CheckSocket{To: netip.AddrPortFrom(r.Address, r.Port)}, Question: ask}}
			v.RealServers = append(v.RealServers, r)
		}
		c.VirtualServers = append(c.VirtualServers, v)
	}
	return c
}

func machine(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)}) }

func weightOf(n int) int { return 1 + n%3 }

// steps change the first machine.
func (s *services) steps() []changeStep {
	up := func(up bool) func() error {
		return func() error {
			s.SetUp(machine(0), up)
			return s.Write()
		}
	}
	weight := func(weight int) func() error {
		return func() error {
			s.SetWeight(machine(0), weight)
			return s.Write()
		}
	}
	return []changeStep{
		{path: FromNothing, do: s.Write},
		{path: OneDown, do: up(false)},
		{path: OneUp, do: up(true)},
		{path: Reweighted, do: weight(2 * weightOf(0))},
		{path: Unchanged, do: s.reload, prepare: func() error { return errors.Join(weight(weightOf(0))(), freezeTables(s.dir)) }},
	}
}

// reload takes in what is there, while no map can be written.
func (s *services) reload() error {
	before := s.plane.Written()
	s.Reload(s.config)
	err := s.Write()
	s.wrote = s.plane.Written() - before
	if errors.Is(err, unix.EPERM) {
		s.wrote++
		return nil
	}
	return err
}

func (s *services) written() int { return int(s.wrote) }

func (s *services) close() error { return s.plane.Remove() }

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
