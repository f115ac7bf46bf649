package api

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
)

var now = since.Add(61*time.Second + 500*time.Millisecond)

func TestStatusIsWrittenAsTheGoldenText(t *testing.T) {
	s := fullStatus()
	s.Instances = append(s.Instances, Instance{
		Name: "SPARE", Interface: "enp2s0", VirtualRouterID: 9, State: "FAULT", Priority: 100, BasePriority: 100, Since: since.Add(-time.Hour),
		Addresses: []string{"10.0.0.1/32"}, Reason: "enp2s0 is down",
	})
	lan := RealServer{Port: 80, Interface: "enp1s0", Weight: 1, CheckedWeight: 1}
	at := func(address string, change func(*RealServer)) RealServer {
		r := lan
		r.Address = address
		change(&r)
		return r
	}
	s.VirtualServers[0].RealServers = append(s.VirtualServers[0].RealServers,
		at("192.168.100.151", func(r *RealServer) { r.Up, r.MAC = true, "b8:27:eb:92:a5:e2" }),
		at("192.168.100.152", func(r *RealServer) { r.Reason = "no answer to ARP yet" }),
		at("192.168.100.153", func(r *RealServer) {
			r.Weight, r.CheckedWeight, r.Draining, r.MAC, r.Reason = 0, 0, true, "02:00:00:00:00:01", "status 500"
		}),
		at("192.168.100.154", func(r *RealServer) { r.Up, r.Overloaded, r.MAC = true, true, "02:00:00:00:00:02" }),
		at("192.168.100.155", func(r *RealServer) {
			r.Up, r.Suspected, r.Share, r.Reason = true, true, 0.125, "clients get no answer from it"
		}),
		at("192.168.100.156", func(r *RealServer) { r.Up, r.Share = true, 0.3 }),
		at("192.168.100.157", func(r *RealServer) { r.Up, r.Share = true, 1 }),
	)
	rests := fullCheck()
	checks := []Check{
		rests, rests, {Kind: "TCP_CHECK", Address: "192.168.100.151:80", Path: "address", Up: true, Done: 3, Last: since.Add(time.Second), Next: now.Add(500 * time.Millisecond)},
		{Kind: "SSL_GET", Address: "192.168.100.221:443", Path: "vip", Done: 3, Failed: 3, Last: since, Next: now.Add(-time.Second), Reason: "refused", LastError: "refused"},
		{Kind: "FILE_CHECK", Path: "address", Up: true},
		{Kind: "PING_CHECK", Address: "192.168.100.151:80", Path: "address", Up: true, Done: 9, Failed: 1, Last: since, Next: now, LastError: "no answer"},
	}
	s.VirtualServers[0].RealServers[1].Checks = checks
	s.VirtualServers = append(s.VirtualServers,
		VirtualServer{Address: "10.0.0.1", Port: 53, Protocol: "UDP", Scheduler: "rr", Flags: []string{"ops"}, Quorum: Quorum{Weight: 1, Required: 3, Hysteresis: 1}, SorryServer: &SorryServer{RealServer: RealServer{Address: "10.0.0.9", Port: 53}}},
		VirtualServer{
			Address: "2001:db8::1", Port: 443, Protocol: "TCP", Scheduler: "mh", Active: true, Quorum: Quorum{Required: 1},
			SorryServer: &SorryServer{RealServer: RealServer{Address: "2001:db8::159", Port: 443, Up: true}},
			RealServers: []RealServer{{Address: "2001:db8::150", Port: 443, Interface: "enp2s0", Weight: 65535, CheckedWeight: 65535, Up: true, MAC: "02:00:00:00:00:03"}},
		})
	s.Interfaces = append(s.Interfaces, Interface{Name: "enp2s0", Reason: "the interface is not there"})
	var text bytes.Buffer
	if err := WriteText(&text, s, now); err != nil {
		t.Fatal(err)
	}
	golden(t, "status.txt", text.Bytes())
}

func TestALastReloadIsWrittenWithWhyItWasRefused(t *testing.T) {
	for name, test := range map[string]struct {
		reload LastReload
		want   string
	}{
		"applied": {LastReload{At: since, TookMS: 12, Reload: Reload{Applied: true}}, "1m1.5s ago   12ms  applied\n"},
		"refused by its findings": {
			LastReload{At: since, Reload: Reload{Findings: []string{"a.conf:1:1: error: text"}}},
			"1m1.5s ago   0s    refused\n  a.conf:1:1: error: text\n",
		},
		"not read": {LastReload{At: since, Error: "open a.conf: no such file"}, "1m1.5s ago   0s    refused: open a.conf: no such file\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var text bytes.Buffer
			if err := WriteText(&text, Status{LastReload: &test.reload}, now); err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(text.String(), test.want) {
				t.Errorf("text\n%s\nwant at its end\n%s", text.String(), test.want)
			}
		})
	}
}

func TestTheTextOfAnEmptyStatusHasNoEmptyTables(t *testing.T) {
	var text bytes.Buffer
	if err := WriteText(&text, Status{Flows: Flows{IPv4: FlowTable{Capacity: 1024}}}, now); err != nil {
		t.Fatal(err)
	}
	if want := "FLOWS  LIVE  CAPACITY  STATES\nIPv4   0     1024\n\nVERDICT  PACKETS\n"; text.String() != want {
		t.Errorf("text %q, want %q", text.String(), want)
	}
}

func TestAReasonOfSeveralLinesStaysInItsRow(t *testing.T) {
	var text bytes.Buffer
	s := Status{Interfaces: []Interface{{Name: "enp1s0", Reason: "attach enp1s0:\n\tpermission denied"}}}
	if err := WriteText(&text, s, now); err != nil {
		t.Fatal(err)
	}
	if want := "enp1s0     not attached  0        attach enp1s0:;  permission denied\n"; !strings.Contains(text.String(), want) {
		t.Errorf("text\n%s\nwant the row\n%s", text.String(), want)
	}
}

// broken is a terminal that is gone.
type broken struct{ err error }

func (b broken) Write([]byte) (int, error) { return 0, b.err }

func TestAnErrorOfTheWriterIsReturned(t *testing.T) {
	gone := errors.New("gone")
	if err := WriteText(broken{gone}, fullStatus(), now); !errors.Is(err, gone) {
		t.Errorf("error %v, want %v", err, gone)
	}
}
