package dataplane

import (
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/bpf"
)

// The IPv4 addresses of what every test's tables hold; see family.tables.
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
func realMAC(id RealID) MAC {
	return MAC{0xb8, 0x27, 0xeb, 0, byte(id >> 8), byte(id)}
}

func newReal(id RealID, service ServiceKey) Real {
	address := netip.AddrFrom4([4]byte{192, 168, byte(101 + id>>8), byte(id)})
	if service.Address.Addr().Is6() {
		address = netip.AddrFrom16([16]byte{0x20, 0x01, 0x0d, 0xb8, 1, 14: byte(id >> 8), 15: byte(id)})
	}
	return Real{
		Service: service, Address: netip.AddrPortFrom(address, service.Address.Port()),
		MAC: realMAC(id), State: RealUp, Weight: 1,
	}
}

func testTables() Tables { return families[0].tables() }

// plane is a data plane in a BPF file system of its own, and its program, which sends frames to nobody.
type plane struct {
	*DataPlane
	t       *testing.T
	program *ebpf.Program
	on      Interface // that the program was made for
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
	if opts.Sizes == (Sizes{}) {
		opts.Sizes = Sizes{Flows: 1, Flows6: 1, Reals: 255} // the least
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	d, err := Open(opts)
	must(t, err)
	t.Cleanup(func() { must(t, d.Close()) })
	return d
}

// planeSeed is the seed of the flow tables of newPlane.
const planeSeed = 1

// newPlane opens a data plane with testTables, the gate open. Its flows lie in the same buckets every time.
func newPlane(t *testing.T, opts Options) *plane {
	t.Helper()
	p := &plane{DataPlane: openPlane(t, opts), t: t, on: Interface{MAC: ownMAC, MTU: ownMTU}, want: testTables()}
	must(t, p.Apply(p.want))
	must(t, p.OpenGate(webGate, time.Hour, time.Hour))
	p.seed(planeSeed)
	return p
}

// seed makes the program anew with another seed for the flow table.
func (p *plane) seed(seed uint64) {
	p.t.Helper()
	var s bpf.DroverSettings
	must(p.t, p.objects.Settings.Lookup(uint32(0), &s))
	s.FlowSeed = seed
	must(p.t, p.objects.Settings.Put(uint32(0), s))
	must(p.t, p.setTunables(s))
	must(p.t, p.turnTo(&growth{edition: p.edition}))
	p.load()
}

// load makes the program as Attach does.
func (p *plane) load() {
	p.t.Helper()
	program, err := p.loadProgram(p.on)
	must(p.t, err)
	p.t.Cleanup(func() { must(p.t, program.Close()) })
	p.program = program
}

// attachedTo makes the program for another interface.
func (p *plane) attachedTo(on Interface) {
	p.t.Helper()
	p.on = on
	p.load()
}

// renew makes the data plane as good as new, with tables and the gate open: quicker than a new one, which the kernel has
// to verify. The counters go on.
func (p *plane) renew(want Tables) {
	p.t.Helper()
	p.want = want
	must(p.t, p.Apply(want))
	must(p.t, p.OpenGate(webGate, time.Hour, time.Hour))
	must(p.t, p.SetTimeouts(Timeouts{}))
	for _, m := range []*ebpf.Map{p.objects.Flows, p.objects.Flows6, p.objects.RealLoads, p.objects.Handshakes} {
		zero := make([]byte, m.ValueSize())
		for key := range m.MaxEntries() {
			must(p.t, m.Put(key, zero))
		}
	}
	for _, m := range []*ebpf.Map{p.objects.Cursors, p.objects.Strays} { // of one word each
		keys := make([]uint32, m.MaxEntries())
		for n := range keys {
			keys[n] = uint32(n)
		}
		_, err := m.BatchUpdate(keys, make([]uint64, len(keys)), nil)
		must(p.t, err)
	}
	must(p.t, clearHash[bpf.DroverFragmentKey, bpf.DroverFragment](p.objects.Fragments))
}

func clearHash[K, V any](m *ebpf.Map) error {
	var (
		key  K
		keys []K
		old  V
		all  = m.Iterate()
	)
	for all.Next(&key, &old) {
		keys = append(keys, key)
	}
	for _, key := range keys {
		if err := m.Delete(key); err != nil {
			return err
		}
	}
	return all.Err()
}

// in is the plane for a subtest.
func (p *plane) in(t *testing.T) *plane {
	within := *p
	within.t = t
	return &within
}

// change applies the tables with a difference.
func (p *plane) change(edit func(*Tables)) {
	p.t.Helper()
	edit(&p.want)
	must(p.t, p.Apply(p.want))
}

func (p *plane) setState(id RealID, state RealState) {
	p.t.Helper()
	p.change(func(want *Tables) {
		want.Reals[id].State = state
		if want.Reals[id].MAC = realMAC(id); state == RealAbsent {
			want.Reals[id].MAC = MAC{}
		}
	})
}

func (p *plane) setSchedule(key ServiceKey, schedule ...RealID) {
	p.t.Helper()
	p.change(func(want *Tables) {
		service := want.Services[key]
		service.Schedule = schedule
		want.Services[key] = service
	})
}

// realsOf are the real servers of a service.
func (p *plane) realsOf(key ServiceKey) (ids []RealID) {
	for id, real := range p.want.Reals {
		if real.Service == key {
			ids = append(ids, RealID(id))
		}
	}
	return ids
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
