package ctrl

import (
	"log/slog"
	"net/netip"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"drover/bench/testbed"
	"drover/ctrl/config"
	"drover/ctrl/suspect"
	"drover/dataplane"
)

// Sizes of the benchmarks.
const (
	manyServices = 1000
	manyReals    = 200 // in each service, the same in all
)

// manyServers is a configuration of many virtual servers with the same real servers, all checked.
func manyServers(scheduler string) *config.Config {
	c := &config.Config{}
	for i := range manyServices {
		v := config.VirtualServer{
			Address: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), Port: 80, Scheduler: scheduler,
		}
		for j := range manyReals {
			r := realServer("10.1.0.1:80")
			r.Address, r.Weight = netip.AddrFrom4([4]byte{10, 1, byte(j >> 8), byte(j)}), 1+j%3
			v.RealServers = append(v.RealServers, r)
		}
		c.VirtualServers = append(c.VirtualServers, v)
	}
	return c
}

// numbers gives ids from scratch, with room for twice as many.
func numbers(b *testing.B, k *known) *identities {
	ids := adopt(noon, dataplane.NewTables(), nil, nil, nil)
	ids.room = 2 * k.roster.reals
	number(b, ids, k)
	return ids
}

// flap has one real server answer no more, or again: with every second change its new connections go elsewhere.
func flap(k *known) {
	n := k.neighbors[neighborKey{"enp1s0", netip.AddrFrom4([4]byte{10, 1, 0, 7})}]
	n.resolved = !n.resolved
}

func BenchmarkPlanFromNothing(b *testing.B) {
	for _, scheduler := range []string{"rr", "wrr", "wlc", "mh"} {
		b.Run(scheduler, func(b *testing.B) {
			cfg := manyServers(scheduler)
			for b.Loop() {
				k := allWell(cfg)
				new(planner).plan(k, numbers(b, k))
			}
		})
	}
}

func BenchmarkPlanOfOneRealServerOfAll(b *testing.B) {
	for _, scheduler := range []string{"rr", "wrr", "wlc", "mh"} {
		b.Run(scheduler, func(b *testing.B) {
			k, p := allWell(manyServers(scheduler)), new(planner)
			ids := numbers(b, k)
			p.plan(k, ids)
			for b.Loop() {
				flap(k)
				number(b, ids, k)
				p.plan(k, ids)
			}
		})
	}
}

// openData opens a data plane in a BPF file system of its own, with room for manyServers.
func openData(b *testing.B, sizes dataplane.Sizes) *dataplane.DataPlane {
	b.Helper()
	testbed.Require(b)
	dir := b.TempDir()
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		b.Fatalf("mount a BPF file system: %v", err)
	}
	data, err := dataplane.Open(dataplane.Options{
		Dir: filepath.Join(dir, "drover"), Sizes: sizes, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := data.Remove(); err != nil {
			b.Error(err)
		}
		if err := unix.Unmount(dir, 0); err != nil {
			b.Error(err)
		}
	})
	return data
}

// All that a change of one real server takes that is in every service.
func BenchmarkReplanOneRealServerOfAll(b *testing.B) {
	for _, scheduler := range []string{"rr", "wrr", "wlc", "mh"} {
		b.Run(scheduler, func(b *testing.B) {
			cfg := manyServers(scheduler)
			c := New(Options{Data: openData(b, SizesFor(cfg)), Log: slog.New(slog.DiscardHandler)})
			k := allWell(cfg)
			c.known, c.ids = *k, numbers(b, k)
			if err := c.writeTables(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				flap(&c.known)
				if err := c.writeTables(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// All that a start takes, but for the check of the real servers and the sockets.
func BenchmarkReplanFromNothing(b *testing.B) {
	cfg := manyServers("rr")
	for b.Loop() {
		b.StopTimer()
		data := openData(b, SizesFor(cfg))
		b.StartTimer()
		k := allWell(cfg)
		c := New(Options{Data: data, Log: slog.New(slog.DiscardHandler)})
		c.known, c.ids = *k, numbers(b, k)
		if err := c.writeTables(); err != nil {
			b.Fatal(err)
		}
	}
}

// All that looking for suspects takes, five times a second. Clients come to every real server, or to none.
func BenchmarkWatchHandshakes(b *testing.B) {
	for _, bench := range []struct {
		name   string
		opened uint32
	}{{"clients", 3}, {"nobody", 0}} {
		b.Run(bench.name, func(b *testing.B) {
			cfg := manyServers("rr")
			c := New(Options{Data: openData(b, SizesFor(cfg)), Log: slog.New(slog.DiscardHandler)})
			k := allWell(cfg)
			c.known, c.ids = *k, numbers(b, k)
			if err := c.writeTables(); err != nil {
				b.Fatal(err)
			}
			now := noon
			for b.Loop() {
				now = now.Add(suspect.Interval)
				if err := c.readHandshakes(); err != nil {
					b.Fatal(err)
				}
				for id := range c.handshakes.now {
					its := &c.handshakes.now[id]
					its.Opened, its.Completed = uint32(b.N)*bench.opened, uint32(b.N)*bench.opened
				}
				for n, p := range c.known.roster.pools {
					c.heed(p, c.handshakes.observe(p, &c.planner.parts[n], now, c.lastPass))
				}
			}
		})
	}
}
