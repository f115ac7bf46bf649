package main

import (
	"context"

	"drover/bench/ipvs"
)

// InUML is Established on another machine: a user-mode Linux, whose kernel has IPVS and interprets BPF.
const InUML Path = "established, in user-mode Linux"

// benchInUML has IPVS beside Drover when the kernel has none. It tells what came of it, too.
func benchInUML(ctx context.Context, o liveOptions) (rows []Row, told string, err error) {
	if err := ipvs.Available(); err != nil {
		return nil, err.Error(), nil
	}
	for _, flows := range o.flows {
		if flows > ipvs.MaxFlows {
			continue
		}
		result, err := ipvs.Compare(ctx, ipvs.Options{Flows: flows, Rounds: o.rounds, Packets: o.packets})
		if err != nil {
			return nil, "", err
		}
		for _, c := range result.Contenders {
			rows = append(rows, umlRow(c, flows))
		}
		told = "beside Drover in user-mode Linux " + result.Kernel
		if result.Interpreted {
			told += " (time of the clock), where BPF is interpreted, not compiled: that slows Drover down, not IPVS"
		}
	}
	return rows, told, nil
}

// umlRow has the times that the rates of a contender stand for.
func umlRow(c ipvs.Contender, flows int) Row {
	const second = 1e9 // nanoseconds
	ns := make([]float64, len(c.Rounds))
	for i, rate := range c.Rounds {
		ns[i] = second / rate
	}
	row := liveRow(&contestant{name: c.Name, family: IPv4}, flows, ns)
	row.Path = InUML
	return row
}
