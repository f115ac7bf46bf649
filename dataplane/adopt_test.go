package dataplane

import (
	"bytes"
	"errors"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"drover/bpf"
)

// reopen closes the data plane as a dying process does, and opens it as the next one.
func (p *plane) reopen(opts Options) *plane {
	p.t.Helper()
	opts.Dir = p.dir
	must(p.t, p.Close())
	next := &plane{DataPlane: openPlane(p.t, opts), t: p.t, on: p.on, want: p.want}
	next.load()
	return next
}

// apply fills tables that were made anew.
func (p *plane) apply() {
	p.t.Helper()
	must(p.t, p.Apply(p.want))
	must(p.t, p.OpenGate(webGate, time.Hour, time.Hour))
}

func TestTablesFlowsAndCountersAreTakenOver(t *testing.T) {
	p := newPlaneOfBoth(t, Options{})
	if p.Adopted() {
		t.Error("it takes over what it has just made")
	}
	p.expect(tcp(client, web, syn), opened(1))
	p.expect(tcp(client, web, ack), kept(1))
	p.run(opening(tcpService(families[1].web)))
	p.setState(2, RealDown)
	counters, flows, six, loads := p.tally(), p.stored(), p.stored6(), p.counted()

	var log bytes.Buffer
	p = p.reopen(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if !p.Adopted() {
		t.Error("it does not take over what is pinned")
	}
	if got := p.tally(); !reflect.DeepEqual(got, counters) {
		t.Errorf("the counters stand at %v, want %v", got, counters)
	}
	if got := p.stored(); len(got) != 1 || !maps.Equal(got, flows) {
		t.Errorf("it holds %v, want %v", got, flows)
	}
	if got := p.stored6(); len(got) != 1 || !maps.Equal(got, six) {
		t.Errorf("of IPv6 it holds %v, want %v", got, six)
	}
	if got := p.counted(); !maps.Equal(got, loads) {
		t.Errorf("the loads are %v, want %v", got, loads)
	}
	p.expect(tcp(client, web, ack), kept(1)) // the gate is still open, and the flow is where it was
	must(t, p.Apply(p.want))
	p.expect(tcp(client, web, ack), kept(1))
	if log.Len() != 0 {
		t.Errorf("it says\n%s", &log)
	}
}

func TestTimeoutsMayChangeFromOneProcessToTheNext(t *testing.T) {
	p := newPlane(t, Options{})
	p.expect(tcp(client, web, syn), opened(1))
	p.idle(2 * time.Second)
	p = p.reopen(Options{Timeouts: Timeouts{Embryonic: time.Second}})
	if !p.Adopted() {
		t.Error("it does not take over what is pinned")
	}
	p.expect(tcp(client, web, syn), opened(2))
}

func TestTablesOfAnotherLayoutAreReplaced(t *testing.T) {
	p := newPlane(t, Options{})
	p.expect(tcp(client, web, syn), opened(1))
	must(t, p.objects.Settings.Put(uint32(0), bpf.DroverSettings{
		FlowSeed: 1, Layout: uint64(bpf.DroverLimitsLAYOUT) + 1,
	}))
	var log bytes.Buffer
	p = p.reopen(Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	if p.Adopted() {
		t.Error("it takes them over")
	}
	if said := log.String(); !strings.Contains(said, "level=WARN") || !strings.Contains(said, p.dir) {
		t.Errorf("it says %q, want a warning with the directory", said)
	}
	p.expectTables(NewTables())
	p.apply()
	p.expect(tcp(client, web, syn), opened(1))

	p = p.reopen(Options{})
	if !p.Adopted() {
		t.Error("the tables that replaced them are not taken over in turn")
	}
	p.expect(tcp(client, web, ack), kept(1))
}

func TestAProcessThatDiedWhileItMadeTheTablesIsNoHindrance(t *testing.T) {
	p := newPlane(t, Options{})
	must(t, p.objects.Settings.Put(uint32(0), bpf.DroverSettings{}))
	must(t, os.Remove(filepath.Join(p.dir, bpf.DroverMapVips)))
	p = p.reopen(Options{})
	if p.Adopted() {
		t.Error("it takes over half of the tables")
	}
	p.apply()
	p.expect(tcp(client, web, syn), opened(1))
}

func TestEveryTableHasItsOwnSeed(t *testing.T) {
	seed := func(d *DataPlane) uint64 {
		var s bpf.DroverSettings
		must(t, d.objects.Settings.Lookup(uint32(0), &s))
		return s.FlowSeed
	}
	if one, other := seed(openPlane(t, Options{})), seed(openPlane(t, Options{})); one == other || one == 0 {
		t.Errorf("the seeds are %d and %d", one, other)
	}
}

func TestRemoveLeavesNothing(t *testing.T) {
	p := newPlane(t, Options{})
	must(t, p.Grow(Sizes{Flows: 4096, Flows6: 1, Reals: 255})) // old tables are pinned, too
	must(t, p.Remove())
	if _, err := os.Stat(p.dir); !errors.Is(err, os.ErrNotExist) {
		left, _ := filepath.Glob(filepath.Join(p.dir, "*"))
		t.Errorf("%s is still there (%v), with %v", p.dir, err, left)
	}
	must(t, p.Close())
}

func TestOpenWantsABPFFileSystem(t *testing.T) {
	requireRoot(t)
	dir := filepath.Join(t.TempDir(), "drover")
	_, err := Open(Options{Dir: dir})
	if !errors.Is(err, ErrNoBPFFS) || !strings.Contains(err.Error(), dir) {
		t.Errorf("it says %v, want ErrNoBPFFS and the directory", err)
	}
}
