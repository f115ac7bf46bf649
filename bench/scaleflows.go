package main

import (
	"context"
	"errors"
	"fmt"
)

// benchManyFlows fills a large table, and measures packets of all its connections.
func benchManyFlows(ctx context.Context, o scaleOptions) (rows []Row, bars []Bar, err error) {
	opened, err := openDroverAndFloors(IPv4, o.flows)
	defer func() { err = errors.Join(err, closeContestants(opened)) }()
	if err != nil {
		return nil, nil, err
	}
	all := without(opened, "busy")
	if err := openConnections(all, IPv4, o.flows); err != nil {
		return nil, nil, err
	}
	const once = 1
	f := field{path: establishedPath(o.flows, once), all: all, players: make(map[Family]*player)}
	if err := f.addPlayer(IPv4); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, f.players[IPv4].close()) }()
	ns, err := playRounds(ctx, []field{f}, o.rounds)
	if err != nil {
		return nil, nil, err
	}
	for _, c := range all {
		row := newRow(c, ManyFlows, o.flows, ns[c])
		row.Unit = perPacket
		rows = append(rows, row)
		if c.name == "drover" {
			without := 1000 * float64(uint64(o.flows)-c.tracked) / float64(o.flows)
			bars = append(bars, atMost(fmt.Sprintf("connections of %s without a place, per thousand", grouped(o.flows)),
				thousandths(without), mostPerThousand))
			more, err := slotBars(c.dir)
			if err != nil {
				return nil, nil, err
			}
			bars = append(bars, more...)
		}
	}
	return rows, bars, nil
}

// slotBars holds the memory of Drover's flow tables, as the kernel states it, to what a slot may take.
func slotBars(dir string) (bars []Bar, err error) {
	for _, slot := range []struct {
		family Family
		limit  float64
	}{{IPv4, ipv4SlotBytes}, {IPv6, ipv6SlotBytes}} {
		table, err := flowTable(dir, slot.family)
		if err != nil {
			return nil, err
		}
		bars = append(bars, atMost(fmt.Sprintf("bytes of map for each slot of the flow table, %s", slot.family),
			hundredths(float64(table.bytes)/float64(table.slots)), slot.limit))
	}
	return bars, nil
}
