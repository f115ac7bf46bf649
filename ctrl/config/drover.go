package config

var droverGrammar = grammar[Drover]{
	block: "drover",
	served: map[string]keyword[Drover]{
		"flows":      {min: 1, max: 1, read: readFlows},
		"check_path": choice(func(d *Drover) *CheckPath { return &d.CheckPath }, checkPaths),
	},
}

// The range of flows: a table of fewer is of no use, one of more is larger than
// the memory of most machines.
const (
	minFlows = 1_000
	maxFlows = 64_000_000
)

// readFlows reads the size of the flow table; 0 leaves it to the data plane.
func readFlows(p *parser, s *statement, into *Drover) {
	value := s.args()[0]
	if value.text == "0" {
		into.Flows = 0
		return
	}
	if n, ok := p.integer("flows", value, minFlows, maxFlows); ok {
		into.Flows = n
	}
}
