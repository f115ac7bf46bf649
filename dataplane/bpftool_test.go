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
	bpftool := needBpftool(t)
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
			out := p.in(t).dump(bpftool, name)
			for _, field := range fields {
				if !strings.Contains(strings.ReplaceAll(out, `"`, ""), field+":") { // no quotes where there is no BTF
					t.Errorf("no field %q in\n%.600s", field, out)
				}
			}
		})
	}
}

// shownEntries are entries as they are printed, but for the line breaks: what has a name is not a number. The keys of
// arrays are, whatever they stand for, since the kernel takes nothing else for them; so is the state of a flow, which
// shares a word with its real server.
var shownEntries = map[string][]string{
	bpf.DroverMapReals: {
		`"key": 1, "value": { "mac": [184,39,235,0,0,1 ], "state": "REAL_UP", "port": 0 }`,
		`"key": 2, "value": { "mac": [184,39,235,0,0,2 ], "state": "REAL_DOWN", "port": 1 }`,
		`"key": 9, "value": { "mac": [0,0,0,0,0,0 ], "state": "REAL_ABSENT", "port": 0 }`,
	},
	bpf.DroverMapServices: {
		`"gate": 1, "scheduler": "BY_HASH", "flags": "FALLBACK", "pad": 0, "persistence": 0,`,
		`"gate": 1, "scheduler": "OVERFLOW", "flags": 0, "pad": 0, "persistence": 0,`,
	},
	bpf.DroverMapServiceIndex: {
		`{ "address": 3714361536, "port": 20480, "protocol": 6, "family": "IPV4" }`, // 192.168.100.221:80, as in a packet
		`"port": 13568, "protocol": 17, "family": "IPV6" }`,                         // port 53
	},
	bpf.DroverMapFragments: {`"protocol": 17, "family": "IPV4", "pad": [0,0 ] }, "value": {`},
}

func TestBpftoolPrintsTheNamesOfValues(t *testing.T) {
	bpftool := needBpftool(t)
	p := newPlaneOfBoth(t, Options{})
	p.change(func(want *Tables) {
		want.Ports[1] = Port{Interface: 1, MAC: ownMAC, MTU: ownMTU}
		want.Reals[2].State, want.Reals[2].Port = RealDown, 1
		want.Reals[9] = Real{Service: want.Reals[9].Service, Address: want.Reals[9].Address}
		want.Services[tcpService(web)] = Service{Gate: webGate, Scheduler: ByHash, Fallback: true, Schedule: []RealID{1, 2}}
		want.Services[udpService(dns)] = Service{Gate: webGate, Scheduler: Overflow, Schedule: []RealID{3, 4}}
	})
	p.run(with(udp(client, dns), atFragment, 0x20, 0x00)) // a first fragment
	for name, entries := range shownEntries {
		t.Run(name, func(t *testing.T) {
			out := strings.Join(strings.Fields(p.in(t).dump(bpftool, name)), " ")
			for _, entry := range entries {
				if !strings.Contains(out, entry) {
					t.Errorf("no entry %s in\n%.600s", entry, out)
				}
			}
		})
	}
}

func needBpftool(t *testing.T) string {
	t.Helper()
	requireRoot(t)
	bpftool, err := exec.LookPath("bpftool")
	if err != nil {
		skip(t, "needs bpftool")
	}
	return bpftool
}

// dump has bpftool print a map.
func (p *plane) dump(bpftool, name string) string {
	p.t.Helper()
	out, err := exec.Command(bpftool, "map", "dump", "pinned", filepath.Join(p.dir, name)).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v: %s", err, out)
	}
	return string(out)
}
