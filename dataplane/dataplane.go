package dataplane

import (
	"cmp"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"math/bits"
	"os"
	"path/filepath"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/bpf"
)

// DefaultDir is where the maps and links are pinned.
const DefaultDir = "/sys/fs/bpf/drover"

// DefaultFlowCapacity is how many connections the flow table holds unless told otherwise: 16 MiB.
const DefaultFlowCapacity = 1 << 20

// ErrNoBPFFS says that the directory for the pins is not on a BPF file system.
var ErrNoBPFFS = errors.New("not on a BPF file system (mount -t bpf bpf /sys/fs/bpf)")

// Timeouts are the idle times after which a flow may be replaced. They are IPVS's by default; zero stands for the default.
type Timeouts struct {
	Embryonic   time.Duration // after a SYN; 60 s
	Established time.Duration // 15 min
	Closing     time.Duration // after FIN or RST; 2 min
	UDP         time.Duration // 5 min
}

// DefaultTimeouts are the timeouts of IPVS (ipvsadm --set).
var DefaultTimeouts = Timeouts{
	Embryonic: time.Minute, Established: 15 * time.Minute, Closing: 2 * time.Minute, UDP: 5 * time.Minute,
}

// Options say how to open the data plane. The zero value serves.
type Options struct {
	// Dir is a directory on a BPF file system; it is created. DefaultDir if empty.
	Dir string
	// FlowCapacity is the number of connections that the flow table holds, 16 bytes each; rounded up to a power of
	// two of at least 1024. DefaultFlowCapacity if zero. Tables of another capacity are replaced, not taken over.
	// A bucket holds four connections, so some are not stored before the table is full: of established ones about 4 %
	// at half the capacity, 11 % at three quarters and 20 % at all of it. Those go by a hash of their addresses.
	FlowCapacity int
	// Timeouts of flows.
	Timeouts Timeouts
	// Log receives what an operator should know; slog.Default() if nil.
	Log *slog.Logger
}

// DataPlane owns the BPF maps, programs and links. It is for one goroutine, but for Gate methods, Traffic methods and
// Flows, which may be called from any.
type DataPlane struct {
	dir      string
	log      *slog.Logger
	timeouts Timeouts
	spec     *ebpf.CollectionSpec // tunables set, but for the interface's MAC
	objects  objects
	adopted  bool
	links    map[string]*attachment // by interface name
	held     *held                  // what the maps hold; nil when that must be read
}

// objects are what every attached program shares.
type objects struct {
	bpf.DroverMaps
	ReadClock *ebpf.Program `ebpf:"read_clock"`
}

// Open loads the maps, or takes over those that are pinned in opts.Dir if they are of the same layout and capacity.
func Open(opts Options) (*DataPlane, error) {
	opts = opts.withDefaults()
	if err := makePinDir(opts.Dir); err != nil {
		return nil, err
	}
	spec, err := bpf.LoadDrover()
	if err != nil {
		return nil, fmt.Errorf("read the BPF objects: %w", err)
	}
	spec.Maps[bpf.DroverMapFlows].MaxEntries = flowBuckets(opts.FlowCapacity)
	for _, name := range pinnedMaps {
		spec.Maps[name].Pinning = ebpf.PinByName
	}

	d := &DataPlane{
		dir: opts.Dir, log: opts.Log, timeouts: opts.Timeouts, spec: spec, links: make(map[string]*attachment),
	}
	if err := d.loadMaps(); err != nil {
		return nil, err
	}
	if err := d.setTunables(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if err := d.findLinks(); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

func (o Options) withDefaults() Options {
	if o.Dir == "" {
		o.Dir = DefaultDir
	}
	if o.FlowCapacity == 0 {
		o.FlowCapacity = DefaultFlowCapacity
	}
	o.Timeouts.Embryonic = cmp.Or(o.Timeouts.Embryonic, DefaultTimeouts.Embryonic)
	o.Timeouts.Established = cmp.Or(o.Timeouts.Established, DefaultTimeouts.Established)
	o.Timeouts.Closing = cmp.Or(o.Timeouts.Closing, DefaultTimeouts.Closing)
	o.Timeouts.UDP = cmp.Or(o.Timeouts.UDP, DefaultTimeouts.UDP)
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

func flowBuckets(capacity int) uint32 {
	const smallest = 1024
	const perBucket = int(bpf.DroverLimitsFLOWS_PER_BUCKET)
	buckets := uint32((max(capacity, smallest) + perBucket - 1) / perBucket)
	return 1 << bits.Len32(buckets-1)
}

// pinnedMaps are the maps that outlive the process: all but the constants of each program.
var pinnedMaps = []string{
	bpf.DroverMapCursors, bpf.DroverMapFlows, bpf.DroverMapGateNames, bpf.DroverMapGates, bpf.DroverMapRealNames,
	bpf.DroverMapRealTraffic, bpf.DroverMapReals, bpf.DroverMapSchedules, bpf.DroverMapServiceIndex,
	bpf.DroverMapServiceTraffic, bpf.DroverMapServices, bpf.DroverMapSettings, bpf.DroverMapVerdicts,
	bpf.DroverMapVips,
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

// loadMaps creates the maps or opens the pinned ones. Pinned maps that do not fit this program are let go of: what
// runs on them goes on until the new program takes its place.
func (d *DataPlane) loadMaps() error {
	spec := d.spec.Copy()
	spec.Programs = map[string]*ebpf.ProgramSpec{bpf.DroverProgReadClock: spec.Programs[bpf.DroverProgReadClock]}
	opts := &ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: d.dir}}

	err := spec.LoadAndAssign(&d.objects, opts)
	if errors.Is(err, ebpf.ErrMapIncompatible) {
		return d.startAnew(spec, opts, err.Error())
	}
	if err != nil {
		return fmt.Errorf("load the BPF maps: %w", explain(err))
	}
	var s bpf.DroverSettings
	if err := d.objects.Settings.Lookup(uint32(0), &s); err != nil {
		return errors.Join(fmt.Errorf("read settings: %w", err), d.Close())
	}
	switch s.Layout {
	case uint64(bpf.DroverLimitsLAYOUT):
		d.adopted = true
		return nil
	case 0: // just created
		return d.newSettings()
	default:
		return d.startAnew(spec, opts, fmt.Sprintf("they are of layout %d, this program's is %d", s.Layout,
			bpf.DroverLimitsLAYOUT))
	}
}

func (d *DataPlane) startAnew(spec *ebpf.CollectionSpec, opts *ebpf.CollectionOptions, why string) error {
	d.log.Warn("the pinned maps cannot be taken over: connections may move to another real server", "dir", d.dir,
		"reason", why)
	if err := errors.Join(d.objects.close(), d.unpinMaps()); err != nil {
		return err
	}
	if err := spec.LoadAndAssign(&d.objects, opts); err != nil {
		return fmt.Errorf("load the BPF maps: %w", explain(err))
	}
	return d.newSettings()
}

func (d *DataPlane) newSettings() error {
	var seed [8]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return fmt.Errorf("draw a seed for the flow table: %w", err)
	}
	s := bpf.DroverSettings{FlowSeed: binary.NativeEndian.Uint64(seed[:]), Layout: uint64(bpf.DroverLimitsLAYOUT)}
	if err := d.objects.Settings.Put(uint32(0), s); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// setTunables gives the program's constants their values in the spec that Attach loads from.
func (d *DataPlane) setTunables() error {
	var s bpf.DroverSettings
	if err := d.objects.Settings.Lookup(uint32(0), &s); err != nil {
		return fmt.Errorf("read settings: %w", err)
	}
	hz, err := jiffiesPerSecond()
	if err != nil {
		return err
	}
	timeouts := make([]uint32, bpf.DroverFlowStateFLOW_STATES)
	for state := range timeouts {
		timeouts[state] = uint32(toJiffies(d.timeouts.of(bpf.DroverFlowState(state)), hz))
	}
	for name, value := range map[string]any{
		bpf.DroverVarFlowMask:    d.objects.Flows.MaxEntries() - 1,
		bpf.DroverVarFlowSeed:    s.FlowSeed,
		bpf.DroverVarFlowTimeout: timeouts,
	} {
		if err := d.spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// Adopted tells whether Open found the tables of an earlier process and took them over, flows included.
func (d *DataPlane) Adopted() bool { return d.adopted }

// FlowCapacity is the number of connections that the flow table holds.
func (d *DataPlane) FlowCapacity() int {
	return int(d.objects.Flows.MaxEntries()) * int(bpf.DroverLimitsFLOWS_PER_BUCKET)
}

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
	for _, name := range pinnedMaps {
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
	if o.ReadClock != nil {
		errs = append(errs, o.ReadClock.Close())
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
