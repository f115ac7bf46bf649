package dataplane

import (
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/bpf"
)

// What every test's tables hold: a web service and a name service that hang on gate 1, each with two real servers, and
// a service without VRRP that has one.
const (
	vip     = "192.168.100.221"
	web     = "192.168.100.221:80"
	dns     = "192.168.100.221:53"
	freeVIP = "192.168.100.222"
	free    = "192.168.100.222:443"
	client  = "203.0.113.7:40000"

	webGate = GateID(1)
)

// deadline bounds every wait for a condition.
const deadline = 10 * time.Second

func tcpService(address string) ServiceKey {
	return ServiceKey{Address: netip.MustParseAddrPort(address), Protocol: ProtocolTCP}
}

func udpService(address string) ServiceKey {
	return ServiceKey{Address: netip.MustParseAddrPort(address), Protocol: ProtocolUDP}
}

// realMAC is the MAC address of a real server.
func realMAC(id RealID) net.HardwareAddr {
	return net.HardwareAddr{0xb8, 0x27, 0xeb, 0, byte(id >> 8), byte(id)}
}

func newReal(id RealID, service ServiceKey) Real {
	address := netip.AddrFrom4([4]byte{192, 168, byte(101 + id>>8), byte(id)})
	return Real{
		Service: service, Address: netip.AddrPortFrom(address, service.Address.Port()),
		MAC: realMAC(id), State: RealUp,
	}
}

func testTables() Tables {
	want := NewTables()
	want.Gates[webGate] = GateName{Interface: 2, VirtualRouterID: 110}
	want.VIPs[netip.MustParseAddr(vip)] = webGate
	want.VIPs[netip.MustParseAddr(freeVIP)] = AlwaysOpen
	want.Services[tcpService(web)] = Service{Gate: webGate, Schedule: []RealID{1, 2}}
	want.Services[udpService(dns)] = Service{Gate: webGate, Schedule: []RealID{3, 4}}
	want.Services[tcpService(free)] = Service{Gate: AlwaysOpen, Schedule: []RealID{5}}
	for id, service := range map[RealID]ServiceKey{
		1: tcpService(web), 2: tcpService(web), 3: udpService(dns), 4: udpService(dns), 5: tcpService(free),
	} {
		want.Reals[id] = newReal(id, service)
	}
	return want
}

// plane is a data plane in a BPF file system of its own, and its program, which sends frames to nobody.
type plane struct {
	*DataPlane
	t       *testing.T
	program *ebpf.Program
	want    Tables
}

// requireRoot skips a test that needs BPF, unless skipping is forbidden.
func requireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "needs root to load BPF programs")
	}
}

func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("DROVER_TEST_STRICT") == "1" {
		t.Fatal(reason + ", and DROVER_TEST_STRICT forbids to skip")
	}
	t.Skip(reason)
}

// newBPFFS mounts a BPF file system for the test.
func newBPFFS(t *testing.T) string {
	t.Helper()
	requireRoot(t)
	dir := t.TempDir()
	if err := unix.Mount("bpf", dir, "bpf", 0, ""); err != nil {
		t.Fatalf("mount a BPF file system: %v", err)
	}
	t.Cleanup(func() { must(t, unix.Unmount(dir, 0)) })
	return filepath.Join(dir, "drover")
}

// openPlane opens a data plane as small as can be; what opts leaves out is filled in.
func openPlane(t *testing.T, opts Options) *DataPlane {
	t.Helper()
	if opts.Dir == "" {
		opts.Dir = newBPFFS(t)
	}
	if opts.FlowCapacity == 0 {
		opts.FlowCapacity = 1024
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	d, err := Open(opts)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// newPlane opens a data plane with testTables, the gate open. Its flows lie in the same buckets every time.
func newPlane(t *testing.T, opts Options) *plane {
	t.Helper()
	d := openPlane(t, opts)
	p := &plane{DataPlane: d, t: t, want: testTables()}
	must(t, d.Apply(p.want))
	must(t, d.OpenGate(webGate, time.Hour, time.Hour))
	p.seed(1)
	return p
}

// seed makes the program anew with another seed for the flow table.
func (p *plane) seed(seed uint64) {
	p.t.Helper()
	s := bpf.DroverSettings{FlowSeed: seed, Layout: uint64(bpf.DroverLimitsLAYOUT)}
	must(p.t, p.objects.Settings.Put(uint32(0), s))
	must(p.t, p.setTunables())
	p.load()
}

// load makes the program as Attach does.
func (p *plane) load() {
	p.t.Helper()
	program, err := p.loadProgram(ownMAC)
	must(p.t, err)
	p.t.Cleanup(func() { must(p.t, program.Close()) })
	p.program = program
}

// change applies the tables with a difference.
func (p *plane) change(edit func(Tables)) {
	p.t.Helper()
	edit(p.want)
	must(p.t, p.Apply(p.want))
}

func (p *plane) setState(id RealID, state RealState) {
	p.t.Helper()
	p.change(func(want Tables) {
		real := want.Reals[id]
		real.State = state
		if real.MAC = realMAC(id); state == RealAbsent {
			real.MAC = nil
		}
		want.Reals[id] = real
	})
}

func (p *plane) setSchedule(key ServiceKey, schedule ...RealID) {
	p.t.Helper()
	p.change(func(want Tables) {
		want.Services[key] = Service{Gate: want.Services[key].Gate, Schedule: schedule}
	})
}

// run sends a frame through the program.
func (p *plane) run(frame []byte) (action uint32, out []byte) {
	p.t.Helper()
	action, out, err := runFrame(p.program, frame)
	must(p.t, err)
	return action, out
}

func runFrame(program *ebpf.Program, frame []byte) (action uint32, out []byte, err error) {
	opts := &ebpf.RunOptions{Data: frame, DataOut: make([]byte, len(frame)+64)}
	action, err = program.Run(opts)
	return action, opts.DataOut, err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %v", what, deadline)
		}
	}
}
