package dataplane

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"drover/bpf"
)

// shownFields are what bpftool must print of each map.
var shownFields = map[string][]string{
	bpf.DroverMapCursors:        {"key", "value"},
	bpf.DroverMapDisplaced:      {"key", "values", "cpu"},
	bpf.DroverMapFlowLocks:      {"lock", "held", "vacant"},
	bpf.DroverMapFlows:          {"key", "client", "port", "service", "seen", "real", "state"},
	bpf.DroverMapFlows6:         {"flow", "key", "client", "port", "service", "seen", "real", "state"},
	bpf.DroverMapFragments:      {"from", "to", "id", "protocol", "family", "service", "real", "seen"},
	bpf.DroverMapGateNames:      {"interface", "virtual_router_id"},
	bpf.DroverMapGates:          {"open_until", "forward_until"},
	bpf.DroverMapHandshakes:     {"opened", "completed", "waited", "unanswered"},
	bpf.DroverMapPastTraffic:    {"packets", "bytes", "connections"},
	bpf.DroverMapPeers:          {"mac", "service"},
	bpf.DroverMapPortInterfaces: {"key", "value"},
	bpf.DroverMapPorts:          {"mac", "mtu"},
	bpf.DroverMapProbeSpace:     {"first_port", "last_port", "mac"},
	bpf.DroverMapRealLoads:      {"active", "inactive", "answered", "overloaded"},
	bpf.DroverMapRealNames:      {"address", "port", "service"},
	bpf.DroverMapRealTerms:      {"upper", "lower", "weight"},
	bpf.DroverMapRealTraffic:    {"packets", "bytes", "connections"},
	bpf.DroverMapReals:          {"mac", "state", "port"},
	bpf.DroverMapSchedules:      {"real"},
	bpf.DroverMapServiceIndex:   {"address", "port", "protocol", "family"},
	bpf.DroverMapServices: {
		"schedule", "line", "slots", "gate", "scheduler", "flags", "persistence", "client_mask", "address",
	},
	bpf.DroverMapSettings: {"flow_seed", "layout", "timeout", "hz"},
	bpf.DroverMapStrays:   {"tag", "since"},
	bpf.DroverMapVerdicts: {"key", "values", "cpu"},
	bpf.DroverMapVips:     {"key", "gate", "refuses"},
}

// TestBpftoolPrintsNamedFields has what a reader finds in the pinned maps.
func TestBpftoolPrintsNamedFields(t *testing.T) {
	requireRoot(t)
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		skip(t, "needs bpftool")
	}
	p := newPlaneOfBoth(t, Options{})
	p.change(func(want *Tables) {
		want.Ports[1] = Port{Interface: 1, MAC: ownMAC, MTU: ownMTU}
		want.Peers[Peer{Service: tcpService(web), MAC: routerMAC}] = true
	})
	p.run(tcp(client, web, syn))
	p.run(with(udp(client, dns), atFragment, 0x20, 0x00)) // a first fragment
	for _, name := range pinnedMaps {
		t.Run(name, func(t *testing.T) {
			fields, known := shownFields[name]
			if !known {
				t.Fatal("nobody looks at what it prints")
			}
			out, err := exec.Command(bpftool, "map", "dump", "pinned", filepath.Join(p.dir, name)).CombinedOutput()
			if err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			for _, field := range fields {
				if !strings.Contains(strings.ReplaceAll(string(out), `"`, ""), field+":") { // no quotes where there is no BTF
					t.Errorf("no field %q in\n%.600s", field, out)
				}
			}
		})
	}
}
