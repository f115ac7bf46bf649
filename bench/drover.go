package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"

	"drover/dataplane"
)

// The interface of the private network namespace. That it is the loopback does not matter: no frame passes it.
const (
	loopback      = "lo"
	loopbackIndex = 1
)

// The service hangs on a gate of a VRRP instance, which stays open for longer than any run.
const (
	gate  = dataplane.GateID(1)
	lease = time.Hour
)

// openDrover sets Drover up the way its daemon does and takes the program that is attached.
func openDrover(capacity int) (*contestant, error) {
	plane, err := dataplane.Open(dataplane.Options{
		Dir: filepath.Join(bpffs, "drover"), FlowCapacity: capacity, Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return nil, err
	}
	program, err := startDrover(plane)
	if err != nil {
		return nil, errors.Join(err, plane.Remove())
	}
	return &contestant{
		name: "drover", program: program,
		count: func() (tally, error) { return countDrover(plane) },
		close: func() error { return errors.Join(program.Close(), plane.Remove()) },
	}, nil
}

func startDrover(plane *dataplane.DataPlane) (*ebpf.Program, error) {
	if err := plane.Apply(droverTables()); err != nil {
		return nil, err
	}
	if err := plane.OpenGate(gate, lease, 0); err != nil {
		return nil, err
	}
	attached, err := plane.Attach(loopback, loopbackIndex, balancerMAC(), dataplane.ModeGeneric)
	if err != nil {
		return nil, err
	}
	program, err := ebpf.NewProgramFromID(ebpf.ProgramID(attached.ProgramID))
	if err != nil {
		return nil, fmt.Errorf("open program %d: %w", attached.ProgramID, err)
	}
	return program, nil
}

func droverService() dataplane.ServiceKey {
	return dataplane.ServiceKey{Address: virtualServer(), Protocol: dataplane.ProtocolTCP}
}

func droverTables() dataplane.Tables {
	tables := dataplane.NewTables()
	service := dataplane.Service{Gate: gate}
	for i, mac := range realMACs() {
		id := dataplane.RealID(i + 1)
		address := netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, byte(100 + i)}), virtualServer().Port())
		tables.Reals[id] = dataplane.Real{Service: droverService(), Address: address, MAC: mac, State: dataplane.RealUp}
		service.Schedule = append(service.Schedule, id)
	}
	tables.Services[droverService()] = service
	tables.VIPs[virtualServer().Addr()] = gate
	tables.Gates[gate] = dataplane.GateName{Interface: loopbackIndex, VirtualRouterID: 1}
	return tables
}

func countDrover(plane *dataplane.DataPlane) (tally, error) {
	var t tally
	verdicts, err := plane.Verdicts()
	if err != nil {
		return tally{}, err
	}
	for verdict, n := range verdicts {
		switch verdict {
		case dataplane.ForwardFlow:
			t.kept += n
		case dataplane.ForwardNew:
			t.placed += n
		case dataplane.ForwardUntracked:
			t.untracked += n
		default:
			t.other += n
		}
	}
	service, err := plane.ServiceTraffic(droverService())
	if err != nil {
		return tally{}, err
	}
	t.service = traffic{service.Packets, service.Bytes, service.Connections}
	for i := range realMACs() {
		real, err := plane.RealTraffic(dataplane.RealID(i + 1))
		if err != nil {
			return tally{}, err
		}
		t.reals = t.reals.plus(traffic{real.Packets, real.Bytes, real.Connections})
	}
	return t, nil
}
