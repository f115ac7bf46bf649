package dataplane

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"drover/bpf"
)

// TestBpftoolPrintsNamedFields has what README.md and the tutorial show of the pinned maps.
func TestBpftoolPrintsNamedFields(t *testing.T) {
	requireRoot(t)
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		skip(t, "needs bpftool")
	}
	p := newPlane(t, Options{})
	p.run(tcp(client, web, syn))
	for name, fields := range map[string][]string{
		bpf.DroverMapFlows:          {"key", "client", "port", "service", "seen", "real", "state"},
		bpf.DroverMapServiceIndex:   {"address", "port", "protocol"},
		bpf.DroverMapServices:       {"schedule", "line", "slots", "gate"},
		bpf.DroverMapSchedules:      {"real"},
		bpf.DroverMapReals:          {"mac", "state"},
		bpf.DroverMapRealNames:      {"address", "port", "service"},
		bpf.DroverMapGates:          {"open_until", "forward_until"},
		bpf.DroverMapGateNames:      {"interface", "virtual_router_id"},
		bpf.DroverMapVips:           {"key", "value"},
		bpf.DroverMapVerdicts:       {"key", "values", "cpu"},
		bpf.DroverMapServiceTraffic: {"packets", "bytes", "connections"},
		bpf.DroverMapRealTraffic:    {"packets", "bytes", "connections"},
	} {
		t.Run(name, func(t *testing.T) {
			out, err := exec.Command(bpftool, "map", "dump", "pinned", filepath.Join(p.dir, name)).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, field := range fields {
				if !strings.Contains(string(out), `"`+field+`":`) {
					t.Errorf("no field %q in\n%.600s", field, out)
				}
			}
		})
	}
}
