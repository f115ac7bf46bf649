package config

var droverGrammar = grammar[Drover]{
	block: "drover",
	served: map[string]keyword[Drover]{
		"flow_capacity": integer(1024, 64<<20, func(d *Drover) *int { return &d.FlowCapacity }),
	},
}

func defaultDrover() Drover { return Drover{FlowCapacity: 1 << 20} }
