package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

var since = time.Date(2026, 11, 22, 11, 58, 59, 500_000_000, time.UTC)

// fullStatus has something in every field.
func fullStatus() Status {
	return Status{
		Instances: []Instance{{
			Name: "SERVICE", Interface: "enp1s0", VirtualRouterID: 110, Version: 2, State: "MASTER", Priority: 12,
			SyncGroup: "BOTH", PreviousState: "BACKUP", BasePriority: 32, Master: "192.168.100.211",
			Rivals:     []Rival{{Address: "192.168.100.213", Priority: 5, Last: since}},
			Claims:     []Claim{{Address: "192.168.100.221", MAC: "02:00:00:00:00:07"}},
			VirtualMAC: &VirtualMAC{Interface: "vrrp.110", MAC: "00:00:5e:00:01:6e"},
			Tracked: []Tracked{{
				Kind: "track_script", Name: "web", State: "down", Value: 3, Weight: -20, Reverse: true, Reason: "exited with status 1",
			}},
			Lateness:  Lateness{Classes: []LatenessClass{{UpToUS: 100, Count: 60}}, Over: 1, WorstUS: 12_500},
			Addresses: []string{"192.168.100.221/24", "192.168.100.222/32"}, Since: since, Reason: "no advert for 3.9s",
			AdvertsSent: 61, AdvertsReceived: 2, Dropped: map[string]uint64{"ttl": 1, "password": 30},
		}},
		VirtualServers: []VirtualServer{{
			Address: "192.168.100.221", Port: 80, Protocol: "TCP", Group: "webs", Scheduler: "sh",
			Flags: []string{"sh-port", "sh-fallback"}, PersistenceTimeout: 360, PersistencePrefix: 24, Active: true,
			Packets: 1500, Bytes: 120000, Connections: 100,
			RealServers: []RealServer{
				{
					Address: "192.168.100.150", Port: 80, Interface: "enp1s0", Local: true, Weight: 3, UpperThreshold: 9,
					LowerThreshold: 5, Up: true, Draining: true, Overloaded: true, Suspected: true, Share: 0.125, MAC: "b8:27:eb:b3:bb:e1",
					Reason:            "answers ARP for the VIP",
					ActiveConnections: 5, InactiveConnections: 6, Connections: 75, Packets: 1200, Bytes: 90000,
					CheckedWeight: 5, Checks: []Check{fullCheck()}, Check: new(fullCheck()),
				},
			},
			Quorum:      Quorum{Up: true, Weight: 7, Required: 5, Hysteresis: 2},
			SorryServer: &SorryServer{InUse: true, RealServer: RealServer{Address: "192.168.100.159", Port: 80, Interface: "enp1s0", Weight: 1, CheckedWeight: 1, Up: true, MAC: "02:00:00:00:00:59", Checks: []Check{}}},
		}},
		Interfaces: []Interface{
			{Name: "enp1s0.10", Device: "enp1s0", XDPMode: "generic", ProgramID: 42, Reason: "no native mode", ProbeReason: "no address"},
		},
		Flows: Flows{
			Live: 14, Capacity: 1113025,
			IPv4: FlowTable{
				Capacity: 1048576, Slots: 2306880, Live: 11,
				States: map[string]int{"expired": 7, "embryonic": 1, "established": 10, "udp": 0},
			},
			IPv6:      FlowTable{Capacity: 64449, Slots: 141792, Live: 3, States: map[string]int{"udp": 3}},
			Displaced: map[string]uint64{"embryonic": 12, "established": 0},
		},
		Verdicts: map[string]uint64{"pass-neighbor": 9, "forward-flow": 1400, "forward-new": 100},
		Findings: []Finding{{
			Severity: SeverityWarning, Kind: "mac-twice", Subject: "192.168.100.150, 192.168.100.151", Text: "these real servers have one MAC address",
			Evidence: "all answer at 02:00:00:00:00:01", Cure: "give each its own",
		}},
		LastReload: &LastReload{
			At: since, TookMS: 12, Reload: Reload{Applied: true, Findings: []string{"keepalived.conf:1:1: warning: text"}}, Error: "no such file",
		},
	}
}

func fullCheck() Check {
	return Check{
		Kind: "MISC_CHECK", Address: "192.168.100.150:80", Path: "vip", VIP: "192.168.100.221", Up: true, Reason: "status 500", Done: 60, Failed: 2, Last: since,
		Next: since.Add(90 * time.Second), LastError: "status 500", Resting: true, Weight: new(5),
		Unproven:   &Unproven{Error: "no answer for 1s", Proven: since},
		OwnAddress: &OwnAddress{At: since, Up: true, Error: "refused", Cause: "the VIP is lost", Cure: "ip addr add"},
	}
}

// golden compares with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	want, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s should be\n%s\nand is\n%s", name, want, got)
	}
}

func TestStatusIsWrittenAsTheGoldenJSON(t *testing.T) {
	got, err := json.MarshalIndent(fullStatus(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "status.json", append(got, '\n'))
}

// A field that is added must come into the golden file: every field of the status that is written there is set.
func TestTheGoldenStatusHasSomethingInEveryField(t *testing.T) {
	everyField(t, "Status", reflect.ValueOf(fullStatus()))
}

func everyField(t *testing.T, name string, v reflect.Value) {
	t.Helper()
	if v.IsZero() {
		t.Errorf("%s is not set", name)
		return
	}
	switch {
	case v.Kind() == reflect.Slice:
		everyField(t, name, v.Index(0))
	case v.Kind() == reflect.Struct && v.Type() != reflect.TypeFor[time.Time]():
		for i := range v.NumField() {
			everyField(t, name+"."+v.Type().Field(i).Name, v.Field(i))
		}
	}
}

// What is promised to programs: these fields, always there, whatever is empty.
func TestTheDocumentedFieldsAreThereEvenWhenEmpty(t *testing.T) {
	empty := Status{
		Instances:      []Instance{{Addresses: []string{}, Rivals: []Rival{}, Claims: []Claim{}, Tracked: []Tracked{}, Lateness: Lateness{Classes: []LatenessClass{}}}},
		VirtualServers: []VirtualServer{{RealServers: []RealServer{{Checks: []Check{}}}}},
		Interfaces:     []Interface{{}},
		Flows:          Flows{Displaced: map[string]uint64{}},
	}
	text, err := json.Marshal(empty)
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Flows      map[string]any   `json:"flows"`
		Instances  []map[string]any `json:"instances"`
		Interfaces []map[string]any `json:"interfaces"`
		Servers    []map[string]any `json:"virtual_servers"`
	}
	var servers struct {
		List []struct {
			Reals []map[string]any `json:"real_servers"`
		} `json:"virtual_servers"`
	}
	if err := errors.Join(json.Unmarshal(text, &got), json.Unmarshal(text, &servers)); err != nil {
		t.Fatal(err)
	}
	hasAll(t, "instances", got.Instances[0], "name interface virtual_router_id version state priority addresses since")
	hasAll(t, "virtual_servers", got.Servers[0], "address port protocol scheduler active real_servers quorum")
	hasAll(t, "real_servers", servers.List[0].Reals[0],
		"address port weight checked_weight up draining mac active_connections connections packets bytes checks")
	hasAll(t, "interfaces", got.Interfaces[0], "name xdp_mode program_id")
	hasAll(t, "flows", got.Flows, "live capacity ipv4 ipv6 displaced")
}

func hasAll(t *testing.T, where string, object map[string]any, fields string) {
	t.Helper()
	for field := range strings.FieldsSeq(fields) {
		if value, there := object[field]; !there || value == nil {
			t.Errorf("%s has no %q: %v", where, field, object)
		}
	}
}

func TestReloadIsWrittenAsDocumented(t *testing.T) {
	got, err := json.Marshal(Reload{Applied: true, Findings: []string{"keepalived.conf:1:1: warning: text"}})
	if want := `{"applied":true,"findings":["keepalived.conf:1:1: warning: text"]}`; err != nil || string(got) != want {
		t.Errorf("%s, %v, want %s", got, err, want)
	}
}
