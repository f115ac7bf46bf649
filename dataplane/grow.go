package dataplane

import (
	"errors"
	"fmt"
	"path/filepath"

	"github.com/cilium/ebpf"
)

// Grow gives the tables other sizes while packets pass. Flows stay: the program looks for them in the old table, too,
// until calls of Sweep have moved them all and Tidy has let the old table go. The flow tables may shrink as well; tables
// of real servers only grow. While flows are still on their way (Moving) it does nothing: call it again after Tidy.
// When new tables or programs cannot be had, those that there are go on.
func (d *DataPlane) Grow(sizes Sizes) error {
	sizes, err := sizes.withDefaults()
	if err != nil {
		return err
	}
	if d.Moving() || d.serves(sizes) {
		return nil
	}
	next, err := d.grown(sizes)
	if err != nil {
		return fmt.Errorf("grow the tables: %w", err)
	}
	d.held = nil
	if err := errors.Join(d.turnTo(next), next.close()); err != nil {
		return fmt.Errorf("grow the tables: %w", err)
	}
	return nil
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
	next := &growth{edition: edition{dir: d.dir, spec: d.spec.Copy()}}
	for _, old := range oldTables {
		next.spec.Maps[old].Pinning, next.spec.Maps[old].MaxEntries = ebpf.PinNone, 1
	}
	if err := d.turnTo(next); err != nil {
		return fmt.Errorf("let go of the old flow tables: %w", err)
	}
	var errs []error
	for _, old := range oldTables {
		errs = append(errs, removeIfThere(filepath.Join(d.dir, old)))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("unpin the old flow tables: %w", err)
	}
	return nil
}

// turnTo has another edition take the place of this one, on every interface. All of it is loaded before anything
// changes, so that what cannot be loaded costs nothing that works.
func (d *DataPlane) turnTo(next *growth) error {
	if err := setVariables(next.spec, next.setCounts()); err != nil {
		return err
	}
	loaded, err := next.loadObjects()
	if err != nil {
		return err
	}
	programs, err := d.loadPrograms(next)
	defer func() {
		for _, program := range programs {
			program.Close() // the links hold them
		}
	}()
	if err != nil {
		return errors.Join(err, loaded.close())
	}
	d.growing.Lock()
	defer d.growing.Unlock()
	if err := next.pin(); err != nil {
		return errors.Join(err, loaded.close())
	}
	d.swapping.Lock()
	was := d.objects
	d.spec, d.objects = next.spec, loaded
	d.swapping.Unlock()
	d.moved.Store(false)
	errs := []error{was.close()}
	for name, program := range programs {
		if err := d.links[name].update(program, d.links[name].on); err != nil {
			errs = append(errs, fmt.Errorf("attach %s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// loadPrograms loads an edition's programs for the interfaces that this process has attached to, by name.
func (d *DataPlane) loadPrograms(next *growth) (map[string]*ebpf.Program, error) {
	programs := make(map[string]*ebpf.Program)
	for name, a := range d.links {
		if a.on == (Interface{}) {
			continue
		}
		program, err := next.loadProgram(a.on)
		if err != nil {
			return programs, fmt.Errorf("attach %s: %w", name, err)
		}
		programs[name] = program
	}
	return programs, nil
}
