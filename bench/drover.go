package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"

	"drover/bpf"
	"drover/dataplane"
)

// The service hangs on a gate of a VRRP instance, which stays open for longer than any run.
const (
	gate  = dataplane.GateID(1)
	lease = time.Hour
)

// droverBalancer is Drover, set up the way its daemon does.
type droverBalancer struct {
	contestant
	plane *dataplane.DataPlane
	lines uint32 // cache lines of its flow table
}

// openDrover takes the program that is attached to the interface.
func openDrover(family Family, flows int, at place) (*droverBalancer, error) {
	plane, dir, err := openPlane(dataplane.Sizes{Flows: flows})
	if err != nil {
		return nil, err
	}
	b := &droverBalancer{plane: plane, contestant: contestant{name: "drover", family: family, dir: dir}}
	b.count, b.close = b.read, plane.Remove
	if err := b.start(at); err != nil {
		return nil, errors.Join(err, plane.Remove())
	}
	b.close = func() error { return errors.Join(b.program.Close(), plane.Remove()) }
	return b, nil
}

// openPlane opens empty tables, pinned in a directory of their own, which goes with them.
func openPlane(sizes dataplane.Sizes) (plane *dataplane.DataPlane, dir string, err error) {
	if dir, err = os.MkdirTemp(bpffs, "drover-"); err != nil {
		return nil, "", err
	}
	plane, err = dataplane.Open(dataplane.Options{Dir: dir, Sizes: sizes, Log: slog.New(slog.DiscardHandler)})
	return plane, dir, err
}

func (b *droverBalancer) start(at place) error {
	if err := b.plane.Apply(droverTables(b.family)); err != nil {
		return err
	}
	if err := b.plane.OpenGate(gate, lease, 0); err != nil {
		return err
	}
	mode := dataplane.ModeGeneric
	if at.native {
		mode = dataplane.ModeNative
	}
	attached, err := b.plane.Attach(dataplane.Interface{
		Name: at.name, Index: at.index, MAC: dataplane.MAC(balancerMAC()), MTU: ethernetMTU,
	}, mode)
	if err != nil {
		return err
	}
	table, err := flowTable(b.dir, b.family)
	if err != nil {
		return err
	}
	b.lines = table.lines
	if b.program, err = ebpf.NewProgramFromID(ebpf.ProgramID(attached.ProgramID)); err != nil {
		return fmt.Errorf("open program %d: %w", attached.ProgramID, err)
	}
	if at == loopback() { // where another family's program has to sit, too, to be loaded
		return b.plane.Detach(at.name)
	}
	return nil
}

func droverService(family Family) dataplane.ServiceKey {
	return dataplane.ServiceKey{Address: family.virtualServer(), Protocol: dataplane.ProtocolTCP}
}

// droverReals are the ids of the real servers.
func droverReals() []dataplane.RealID {
	ids := make([]dataplane.RealID, len(realMACs()))
	for i := range ids {
		ids[i] = dataplane.RealID(i + 1)
	}
	return ids
}

func droverTables(family Family) dataplane.Tables {
	tables := dataplane.NewTables()
	service := dataplane.Service{Gate: gate}
	for i, id := range droverReals() {
		tables.Reals.Set(id, dataplane.Real{
			Service: droverService(family), Address: family.realServer(i), MAC: dataplane.MAC(realMACs()[i]),
			State: dataplane.RealUp, Weight: 1,
		})
		service.Schedule = append(service.Schedule, id)
	}
	tables.Services[droverService(family)] = service
	tables.VIPs[family.virtualServer().Addr()] = dataplane.VIP{Gate: gate}
	tables.Gates[gate] = dataplane.GateName{Interface: loopback().index, VirtualRouterID: 1}
	return tables
}

// read reads the counters.
func (b *droverBalancer) read() (tally, error) {
	var t tally
	verdicts, err := b.plane.Verdicts()
	if err != nil {
		return tally{}, err
	}
	for verdict, n := range verdicts {
		switch verdict {
		case dataplane.ForwardFlow:
			t.kept += n
		case dataplane.ForwardNew, dataplane.ForwardRescheduled:
			t.placed += n
		case dataplane.ForwardUntracked, dataplane.ForwardResumed:
			t.untracked += n
		default:
			t.other += n
		}
	}
	service, err := b.plane.ServiceTraffic(droverService(b.family), droverReals())
	if err != nil {
		return tally{}, err
	}
	t.service = traffic{service.Packets, service.Bytes, service.Connections}
	for _, id := range droverReals() {
		real, err := b.plane.RealTraffic(id)
		if err != nil {
			return tally{}, err
		}
		t.reals = t.reals.plus(traffic{real.Packets, real.Bytes, real.Connections})
	}
	return t, nil
}

// table is what Drover's flow table takes.
type table struct {
	lines uint32 // of the cache
	slots uint32 // for connections, more than it is made for
	bytes uint64 // that the kernel has taken for it
}

// flowTable looks at the map itself, which is pinned in the directory.
func flowTable(dir string, family Family) (table, error) {
	name := "flows"
	if family == IPv6 {
		name = "flows6"
	}
	m, err := ebpf.LoadPinnedMap(filepath.Join(dir, name), &ebpf.LoadPinOptions{ReadOnly: true})
	if err != nil {
		return table{}, fmt.Errorf("open the flow table: %w", err)
	}
	defer m.Close()
	const line = 64
	info, err := m.Info()
	if err != nil {
		return table{}, fmt.Errorf("ask for the size of the flow table: %w", err)
	}
	bytes, known := info.Memlock()
	if !known {
		return table{}, errors.New("this kernel does not tell the size of the flow table (Linux 5.15 or newer is needed)")
	}
	return table{
		lines: uint32(uint64(m.MaxEntries()) * uint64(m.ValueSize()) / line),
		slots: m.MaxEntries() * uint32(bpf.DroverLimitsFLOWS_PER_SET),
		bytes: bytes,
	}, nil
}
