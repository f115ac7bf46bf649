package dataplane

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// growth is an edition that is to take the place of another, and the tables that are made anew for it.
type growth struct {
	edition
	made []newTable
}

// newTable is a table, empty yet, and the pinned one that it is to take the place of.
type newTable struct {
	name    string
	was, is *ebpf.Map
}

// oldTables are the names of the tables that flows move out of when theirs is replaced.
var oldTables = map[string]string{
	bpf.DroverMapFlows: bpf.DroverMapOldFlows, bpf.DroverMapFlows6: bpf.DroverMapOldFlows6,
}

// grown makes those tables anew that are pinned and of another size than is wanted, and has the spec know how large all
// are. What is pinned stays as it is until pin is called. Maps that are not pinned yet are created later, by the spec.
func (e *edition) grown(sizes Sizes) (*growth, error) {
	g := &growth{edition: edition{dir: e.dir, spec: e.spec.Copy(), instead: make(map[string]*ebpf.Map)}}
	sizes.set(g.spec)
	for _, old := range oldTables {
		m, err := g.pinned(old)
		if err != nil {
			return nil, err
		}
		if m != nil { // an earlier process died while flows were moving
			g.spec.Maps[old].Pinning, g.spec.Maps[old].MaxEntries = ebpf.PinByName, m.MaxEntries()
			if err := m.Close(); err != nil {
				return nil, err
			}
		}
	}
	for name, wanted := range sizes.entries() {
		if err := g.grow(name, wanted); err != nil {
			return nil, errors.Join(fmt.Errorf("map %s: %w", name, err), g.close())
		}
	}
	// A version before this may have left tables of real servers that are larger than is wanted, but no handshakes.
	handshakes, reals := g.spec.Maps[bpf.DroverMapHandshakes], g.spec.Maps[bpf.DroverMapReals]
	handshakes.MaxEntries = max(handshakes.MaxEntries, reals.MaxEntries)
	return g, nil
}

func (g *growth) grow(name string, wanted uint32) error {
	was, err := g.pinned(name)
	if was == nil || err != nil {
		return err
	}
	has := was.MaxEntries()
	old, isFlows := oldTables[name]
	if has == wanted || has > wanted && !isFlows || isFlows && g.spec.Maps[old].Pinning == ebpf.PinByName {
		g.spec.Maps[name].MaxEntries = has
		return was.Close()
	}
	is, err := g.newMap(name)
	if err != nil {
		return errors.Join(err, was.Close())
	}
	g.made = append(g.made, newTable{name, was, is})
	g.instead[name] = is
	if isFlows {
		g.instead[old] = was
		g.spec.Maps[old].Pinning, g.spec.Maps[old].MaxEntries = ebpf.PinByName, has
	}
	return nil
}

// pin pins the tables that were made in the place of the others. Flows stay in theirs, which is an old table from now
// on; what other tables hold is copied.
func (g *growth) pin() error {
	for _, table := range g.made {
		pin := filepath.Join(g.dir, table.name)
		if old, isFlows := oldTables[table.name]; isFlows {
			if err := rename(pin, filepath.Join(g.dir, old)); err != nil {
				return err
			}
			if err := table.is.Pin(pin); err != nil {
				return err
			}
			continue
		}
		if err := table.copy(); err != nil {
			return fmt.Errorf("copy map %s: %w", table.name, err)
		}
		next := pin + "_next" // the name changes hands at once, so that a crash leaves one map or the other
		if err := removeIfThere(next); err != nil {
			return err
		}
		if err := table.is.Pin(next); err != nil {
			return err
		}
		if err := rename(next, pin); err != nil {
			return err
		}
	}
	return nil
}

func rename(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return fmt.Errorf("rename a pin: %w", err)
	}
	return nil
}

// close lets go of the tables; those that are pinned, or that programs use, stay.
func (g *growth) close() error {
	var errs []error
	for _, table := range g.made {
		errs = append(errs, table.was.Close(), table.is.Close())
	}
	return errors.Join(errs...)
}

// copy copies every entry of an array, whatever its entries are.
func (t newTable) copy() error {
	if t.was.Type() == ebpf.PerCPUArray {
		return copyArray[[][]byte](t.was, t.is)
	}
	return copyArray[[]byte](t.was, t.is)
}

func copyArray[V []byte | [][]byte](from, to *ebpf.Map) error {
	var (
		key   uint32
		value V
		all   = from.Iterate()
	)
	for all.Next(&key, &value) {
		if err := to.Put(key, value); err != nil {
			return err
		}
	}
	return all.Err()
}
