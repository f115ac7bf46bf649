package dataplane

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/bpf"
)

// DefaultDir is where the maps and links are pinned.
const DefaultDir = "/sys/fs/bpf/drover"

// ErrNoBPFFS says that the directory for the pins is not on a BPF file system.
var ErrNoBPFFS = errors.New("not on a BPF file system (mount -t bpf bpf /sys/fs/bpf)")

// Timeouts are the idle times after which a flow may be replaced. They are IPVS's by default; zero stands for the default.
type Timeouts struct {
	Embryonic   time.Duration // after a SYN; 60 s
	Established time.Duration // 15 min
	Closing     time.Duration // after FIN; 2 min
	Reset       time.Duration // after RST; 10 s
	UDP         time.Duration // 5 min
}

// DefaultTimeouts are the timeouts of IPVS (ipvsadm --set).
var DefaultTimeouts = Timeouts{
	Embryonic: time.Minute, Established: 15 * time.Minute, Closing: 2 * time.Minute, Reset: 10 * time.Second,
	UDP: 5 * time.Minute,
}

func (t Timeouts) withDefaults() Timeouts {
	return Timeouts{
		Embryonic:   cmp.Or(t.Embryonic, DefaultTimeouts.Embryonic),
		Established: cmp.Or(t.Established, DefaultTimeouts.Established),
		Closing:     cmp.Or(t.Closing, DefaultTimeouts.Closing),
		Reset:       cmp.Or(t.Reset, DefaultTimeouts.Reset),
		UDP:         cmp.Or(t.UDP, DefaultTimeouts.UDP),
	}
}

// Options say how to open the data plane. The zero value serves.
type Options struct {
	// Dir is a directory on a BPF file system; it is created. DefaultDir if empty.
	Dir string
	// Sizes of the tables. Those of an earlier process that are smaller are replaced; what they hold moves over.
	Sizes Sizes
	// Timeouts of flows.
	Timeouts Timeouts
	// Log receives what an operator should know; slog.Default() if nil.
	Log *slog.Logger
}

// DataPlane owns the BPF maps, programs and links. It is for one goroutine, but for the methods that only read counters,
// those of gates and Sweep, which may be called from any.
type DataPlane struct {
	edition
	log     *slog.Logger
	hz      uint64 // jiffies per second
	cpus    int    // that may ever be there: per-CPU maps have an entry for each
	adopted bool
	links   map[string]*attachment // by interface name
	held    *held                  // what the maps hold; nil when that must be read
	unsure  bool                   // nothing was applied in full since it was read
	written uint64
	// uncounted is the id from which on nothing was ever counted: the tables were made by this process, and no real server has
	// had such an id.
	uncounted RealID

	// growing is held for writing while an edition takes the place of another.
	growing sync.RWMutex
	// swapping is held for writing for the instant in which the objects change hands. Who moves a gate waits for no more.
	swapping sync.RWMutex
	objects  objects
	moved    atomic.Bool // everything has left the flow tables that were replaced
}

// objects are what every attached program shares.
type objects struct {
	bpf.DroverMaps
	ReadClock *ebpf.Program `ebpf:"read_clock"`
	Sweep     *ebpf.Program `ebpf:"sweep"`
	Probe     *ebpf.Program `ebpf:"probe"`
}

// Open loads the maps, or takes over those that are pinned in opts.Dir if they are of the same layout.
func Open(opts Options) (*DataPlane, error) {
	opts.Dir, opts.Log = cmp.Or(opts.Dir, DefaultDir), cmp.Or(opts.Log, slog.Default())
	sizes, err := opts.Sizes.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := makePinDir(opts.Dir); err != nil {
		return nil, err
	}
	spec, err := bpf.LoadDrover()
	if err != nil {
		return nil, fmt.Errorf("read the BPF objects: %w", err)
	}
	for _, name := range pinnedMaps {
		spec.Maps[name].Pinning = ebpf.PinByName
	}
	for _, program := range spec.Programs {
		program.Flags |= unix.BPF_F_ANY_ALIGNMENT // headers stand at any even address; see mac_low in bpf/parse.h
	}
	d := &DataPlane{edition: edition{dir: opts.Dir, spec: spec}, log: opts.Log, links: make(map[string]*attachment)}
	if d.hz, err = jiffiesPerSecond(); err != nil {
		return nil, err
	}
	if d.cpus, err = ebpf.PossibleCPU(); err != nil {
		return nil, fmt.Errorf("count the CPUs: %w", err)
	}
	for _, step := range []func() error{
		func() error { return d.openMaps(sizes) },
		func() error { return d.SetTimeouts(opts.Timeouts) },
		d.findLinks,
	} {
		if err := step(); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	return d, nil
}

// pinnedMaps are the maps that outlive the process: all but the constants of each program and the tables that flows
// move out of.
var pinnedMaps = []string{
	bpf.DroverMapCursors, bpf.DroverMapDisplaced, bpf.DroverMapFlowLocks, bpf.DroverMapFlows, bpf.DroverMapFlows6,
	bpf.DroverMapFragments, bpf.DroverMapGateNames, bpf.DroverMapGates, bpf.DroverMapHandshakes, bpf.DroverMapPastTraffic,
	bpf.DroverMapPeers, bpf.DroverMapPortInterfaces, bpf.DroverMapPorts, bpf.DroverMapProbeSpace, bpf.DroverMapRealLoads,
	bpf.DroverMapRealNames, bpf.DroverMapRealTerms, bpf.DroverMapRealTraffic, bpf.DroverMapReals, bpf.DroverMapSchedules,
	bpf.DroverMapServiceIndex, bpf.DroverMapServices, bpf.DroverMapSettings, bpf.DroverMapStrays,
	bpf.DroverMapVerdicts, bpf.DroverMapVips,
}

func makePinDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("create %s for the pinned maps: %w", dir, err)
	}
	var stat unix.Statfs_t
	if err := unix.Statfs(dir, &stat); err != nil {
		return fmt.Errorf("statfs %s: %w", dir, err)
	}
	if stat.Type != unix.BPF_FS_MAGIC {
		return fmt.Errorf("%s: %w", dir, ErrNoBPFFS)
	}
	return nil
}

// SetTimeouts says after how much idle time a flow expires. Flows that are there follow at once.
func (d *DataPlane) SetTimeouts(t Timeouts) error {
	var s bpf.DroverSettings
	if err := d.objects.Settings.Lookup(uint32(0), &s); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	was := s
	t = t.withDefaults()
	for state, timeout := range map[FlowState]time.Duration{
		FlowEmbryonic: t.Embryonic, FlowResumed: t.Embryonic, FlowUDP: t.UDP, FlowReset: t.Reset, FlowClosing: t.Closing,
		FlowEstablished: t.Established,
	} {
		s.Timeout[state] = d.jiffies(timeout)
	}
	s.Hz = uint32(d.hz)
	if s == was {
		return nil
	}
	return d.put(d.objects.Settings, uint32(0), s)
}

// Adopted tells whether Open found the tables of an earlier process and took them over, flows included.
func (d *DataPlane) Adopted() bool { return d.adopted }

// Close lets go of the maps and links. What is pinned stays and goes on forwarding.
func (d *DataPlane) Close() error {
	errs := []error{d.objects.close()}
	for _, a := range d.links {
		errs = append(errs, a.link.Close())
	}
	clear(d.links)
	return errors.Join(errs...)
}

// Remove detaches the program everywhere, unpins and closes everything: nothing is left behind.
func (d *DataPlane) Remove() error {
	var errs []error
	for name := range maps.Clone(d.links) {
		errs = append(errs, d.Detach(name))
	}
	// A crash between making a directory and pinning in it leaves the directory.
	empty, err := filepath.Glob(filepath.Join(d.dir, linkDir, "*"))
	errs = append(errs, err)
	for _, dir := range append(empty, filepath.Join(d.dir, linkDir)) {
		errs = append(errs, removeIfThere(dir))
	}
	errs = append(errs, d.unpinMaps(), removeIfThere(d.dir), d.Close())
	return errors.Join(errs...)
}

func (d *DataPlane) unpinMaps() error {
	var errs []error
	for _, name := range append([]string{bpf.DroverMapOldFlows, bpf.DroverMapOldFlows6}, pinnedMaps...) {
		errs = append(errs, removeIfThere(filepath.Join(d.dir, name)))
	}
	return errors.Join(errs...)
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (o *objects) close() error {
	errs := []error{o.DroverMaps.Close()}
	for _, program := range []*ebpf.Program{o.ReadClock, o.Sweep, o.Probe} {
		if program != nil {
			errs = append(errs, program.Close())
		}
	}
	return errors.Join(errs...)
}

// explain adds the verifier's log to a refusal, and the usual remedy to a lack of rights.
func explain(err error) error {
	var refused *ebpf.VerifierError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("%+v", refused)
	case errors.Is(err, unix.EPERM):
		return fmt.Errorf("%w (CAP_BPF and CAP_NET_ADMIN are needed)", err)
	default:
		return err
	}
}
