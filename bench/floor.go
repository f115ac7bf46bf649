package main

import (
	"fmt"

	"drover/bench/yardstick"
	"drover/bpf"
)

// openFloors loads floor and touch, the latter with a table as large as Drover's flow table of that capacity.
func openFloors(capacity int) ([]*contestant, error) {
	spec, err := yardstick.LoadFloor()
	if err != nil {
		return nil, err
	}
	lines := linesFor(capacity)
	spec.Maps[yardstick.FloorMapLines].MaxEntries = lines
	if err := setVariables(spec, map[string]any{
		yardstick.FloorVarLineMask:     lines - 1,
		yardstick.FloorVarRealMac:      [6]byte(realMACs()[0]),
		yardstick.FloorVarInterfaceMac: [6]byte(balancerMAC()),
	}); err != nil {
		return nil, err
	}
	var objects yardstick.FloorObjects
	if err := spec.LoadAndAssign(&objects, nil); err != nil {
		return nil, fmt.Errorf("load: %w", err)
	}
	return []*contestant{
		{name: "floor", program: objects.XdpFloor, close: objects.Close},
		{name: "touch", program: objects.XdpTouch, close: func() error { return nil }}, // floor closes what they share
	}, nil
}

// linesFor is the number of cache lines in Drover's flow table: a power of two.
func linesFor(capacity int) uint32 {
	lines := uint32(1)
	for int(lines)*int(bpf.DroverLimitsFLOWS_PER_BUCKET) < capacity {
		lines *= 2
	}
	return lines
}
