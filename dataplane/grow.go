package dataplane

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// oldTables are the names of the tables that flows move out of when theirs is replaced.
var oldTables = map[string]string{
	bpf.DroverMapFlows: bpf.DroverMapOldFlows, bpf.DroverMapFlows6: bpf.DroverMapOldFlows6,
}

// Grow gives the tables other sizes while packets pass. Flows stay: the program looks for them in the old table, too,
// until calls of Sweep have moved them all and Tidy has let the old table go. The flow tables may shrink as well; tables
// of real servers only grow. While flows are still on their way (Moving) it does nothing: call it again after Tidy.
func (d *DataPlane) Grow(sizes Sizes) error {
	sizes, err := sizes.withDefaults()
	if err != nil {
		return err
	}
	if d.Moving() || d.serves(sizes) {
		return nil
	}
	d.growing.Lock()
	defer d.growing.Unlock()
	if err := d.growPinned(sizes); err != nil {
		return fmt.Errorf("grow the tables: %w", err)
	}
	d.held = nil
	return d.reload()
}

// serves tells whether the tables need not be replaced for these sizes.
func (d *DataPlane) serves(sizes Sizes) bool {
	for name, wanted := range sizes.entries() {
		has := d.spec.Maps[name].MaxEntries
		if _, isFlows := oldTables[name]; has < wanted || isFlows && has != wanted {
			return false
		}
	}
	return true
}

// Moving tells whether flows are on their way from a table that was replaced.
func (d *DataPlane) Moving() bool {
	for _, old := range oldTables {
		if d.spec.Maps[old].Pinning == ebpf.PinByName {
			return true
		}
	}
	return false
}

// Tidy lets go of tables that Grow has replaced, once Sweep has moved everything out of them. It is to be called now and
// then by who calls Attach.
func (d *DataPlane) Tidy() error {
	if !d.Moving() || !d.moved.Load() {
		return nil
	}
	for _, a := range d.links {
		if a.on == (Interface{}) { // an earlier process's program still writes to the old table
			return nil
		}
	}
	d.growing.Lock()
	defer d.growing.Unlock()
	var errs []error
	for _, old := range oldTables {
		errs = append(errs, removeIfThere(filepath.Join(d.dir, old)))
		d.spec.Maps[old].Pinning, d.spec.Maps[old].MaxEntries = ebpf.PinNone, 1
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("unpin the old flow table: %w", err)
	}
	return d.reload()
}

// reload opens the maps anew and replaces every program by one that uses them.
func (d *DataPlane) reload() error {
	d.moved.Store(false)
	if err := d.objects.close(); err != nil {
		return err
	}
	if err := setVariables(d.spec, d.setCounts()); err != nil {
		return err
	}
	if err := d.loadObjects(); err != nil {
		return err
	}
	for name, a := range d.links {
		if a.on == (Interface{}) {
			continue
		}
		if err := d.replace(a); err != nil {
			return fmt.Errorf("attach %s: %w", name, err)
		}
	}
	return nil
}

// growPinned makes the pinned maps as large as wanted, and has the spec know how large the maps are. Maps that are not
// pinned yet are created later, by the spec.
func (d *DataPlane) growPinned(sizes Sizes) error {
	sizes.set(d.spec)
	for _, old := range oldTables {
		m, err := d.pinned(old)
		if err != nil {
			return err
		}
		if m != nil { // an earlier process died while flows were moving
			d.spec.Maps[old].Pinning, d.spec.Maps[old].MaxEntries = ebpf.PinByName, m.MaxEntries()
			if err := m.Close(); err != nil {
				return err
			}
		}
	}
	for name, wanted := range sizes.entries() {
		if err := d.growMap(name, wanted); err != nil {
			return fmt.Errorf("map %s: %w", name, err)
		}
	}
	return nil
}

func (d *DataPlane) growMap(name string, wanted uint32) (err error) {
	m, err := d.pinned(name)
	if m == nil || err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	has := m.MaxEntries()
	old, isFlows := oldTables[name]
	if has == wanted || has > wanted && !isFlows || isFlows && d.spec.Maps[old].Pinning == ebpf.PinByName {
		d.spec.Maps[name].MaxEntries = has
		return nil
	}
	larger, err := d.newMap(name)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, larger.Close()) }()
	pin := filepath.Join(d.dir, name)
	if isFlows {
		if err := rename(pin, filepath.Join(d.dir, old)); err != nil {
			return err
		}
		d.spec.Maps[old].Pinning, d.spec.Maps[old].MaxEntries = ebpf.PinByName, has
		return larger.Pin(pin)
	}
	if err := copyArray(m, larger); err != nil {
		return err
	}
	next := pin + "_next" // the name changes hands at once, so that a crash leaves one map or the other
	if err := removeIfThere(next); err != nil {
		return err
	}
	if err := larger.Pin(next); err != nil {
		return err
	}
	return rename(next, pin)
}

func (d *DataPlane) newMap(name string) (*ebpf.Map, error) {
	spec := d.spec.Maps[name].Copy()
	spec.Pinning = ebpf.PinNone
	return ebpf.NewMap(spec)
}

// copyArray copies every entry of an array, whatever its entries are.
func copyArray(from, to *ebpf.Map) error {
	var (
		key   uint32
		value []byte
		all   = from.Iterate()
	)
	if from.Type() == ebpf.PerCPUArray {
		return copyPerCPU(from, to)
	}
	for all.Next(&key, &value) {
		if err := to.Put(key, value); err != nil {
			return err
		}
	}
	return all.Err()
}

func copyPerCPU(from, to *ebpf.Map) error {
	var (
		key   uint32
		value [][]byte
		all   = from.Iterate()
	)
	for all.Next(&key, &value) {
		if err := to.Put(key, value); err != nil {
			return err
		}
	}
	return all.Err()
}
