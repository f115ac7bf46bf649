package main

import (
	"fmt"

	"drover/bench/yardstick"
)

// openFloors loads floor, touch and busy, the latter two with a table of so many cache lines.
func openFloors(family Family, lines uint32) ([]*contestant, error) {
	spec, err := yardstick.LoadFloor()
	if err != nil {
		return nil, err
	}
	spec.Maps[yardstick.FloorMapLines].MaxEntries = lines
	if err := setVariables(spec, map[string]any{
		yardstick.FloorVarLineCount:    lines,
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
		{name: "floor", family: family, program: objects.XdpFloor, close: objects.Close},
		// floor closes what they share
		{name: "touch", family: family, program: objects.XdpTouch, close: func() error { return nil }},
		{name: "busy", family: family, program: objects.XdpBusy, close: func() error { return nil }},
	}, nil
}
