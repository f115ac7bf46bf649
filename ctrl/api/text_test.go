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
		Name: "SPARE", Interface: "enp2s0", VirtualRouterID: 9, State: "FAULT", Priority: 100, Since: since.Add(-time.Hour),
		Addresses: []string{"10.0.0.1/32"}, Reason: "enp2s0 is down",
	})
	s.VirtualServers[0].RealServers = append(s.VirtualServers[0].RealServers,
		RealServer{Address: "192.168.100.151", Port: 80, Weight: 1, Up: true, MAC: "b8:27:eb:92:a5:e2"},
		RealServer{Address: "192.168.100.152", Port: 80, Weight: 1, Reason: "no answer to ARP yet"},
		RealServer{Address: "192.168.100.153", Port: 80, Draining: true, MAC: "02:00:00:00:00:01", Reason: "status 500"},
	)
	s.VirtualServers = append(s.VirtualServers, VirtualServer{Address: "10.0.0.1", Port: 53, Protocol: "UDP", Scheduler: "rr"})
	s.Interfaces = append(s.Interfaces, Interface{Name: "enp2s0", Reason: "the interface is not there"})
	var text bytes.Buffer
	if err := WriteText(&text, s, now); err != nil {
		t.Fatal(err)
	}
	golden(t, "status.txt", text.Bytes())
}

func TestTheTextOfAnEmptyStatusHasNoEmptyTables(t *testing.T) {
	var text bytes.Buffer
	if err := WriteText(&text, Status{Flows: Flows{Capacity: 1024}}, now); err != nil {
		t.Fatal(err)
	}
	if want := "FLOWS 0 of 1024\n\nVERDICT  PACKETS\n"; text.String() != want {
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
