package dataplane

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// openMaps creates the maps or opens the pinned ones, after it has made them as large as they are wanted. Pinned maps
// that do not fit this program are let go of: what runs on them goes on until the new program takes its place.
func (d *DataPlane) openMaps(sizes Sizes) error {
	why, err := d.misfit()
	if err != nil {
		return err
	}
	if why != "" {
		d.log.Warn("the pinned maps cannot be taken over: connections may move to another real server", "dir", d.dir,
			"reason", why)
		if err := d.unpinMaps(); err != nil {
			return err
		}
	}
	if err := d.growPinned(sizes); err != nil {
		return err
	}
	settings, adopted, err := d.openSettings()
	if err != nil {
		return err
	}
	d.adopted = adopted
	if err := d.setTunables(settings); err != nil {
		return err
	}
	return d.loadObjects()
}

// openSettings reads the pinned settings, or makes them: the programs can be loaded only when the seed is known.
func (d *DataPlane) openSettings() (s bpf.DroverSettings, adopted bool, err error) {
	m, err := d.pinned(bpf.DroverMapSettings)
	if err != nil {
		return s, false, err
	}
	isNew := m == nil
	if isNew {
		if m, err = d.newMap(bpf.DroverMapSettings); err != nil {
			return s, false, fmt.Errorf("make the settings: %w", err)
		}
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	if err := m.Lookup(uint32(0), &s); err != nil {
		return s, false, fmt.Errorf("read settings: %w", err)
	}
	if s.Layout != 0 {
		return s, true, nil
	}
	if s, err = newSettings(); err != nil {
		return s, false, err
	}
	if err := m.Put(uint32(0), s); err != nil {
		return s, false, fmt.Errorf("write settings: %w", err)
	}
	if isNew {
		err = m.Pin(filepath.Join(d.dir, bpf.DroverMapSettings))
	}
	return s, false, err
}

func newSettings() (bpf.DroverSettings, error) {
	var seed [8]byte
	if _, err := rand.Read(seed[:]); err != nil {
		return bpf.DroverSettings{}, fmt.Errorf("draw a seed for the flow table: %w", err)
	}
	return bpf.DroverSettings{
		FlowSeed: binary.NativeEndian.Uint64(seed[:]), Layout: uint64(bpf.DroverLimitsLAYOUT),
	}, nil
}

// misfit says why the pinned maps cannot serve this program; empty if they can, or if there are none.
func (d *DataPlane) misfit() (string, error) {
	for _, name := range pinnedMaps {
		m, err := d.pinned(name)
		if m == nil || err != nil {
			if err != nil {
				return "", err
			}
			continue
		}
		spec := d.spec.Maps[name].Copy()
		if _, sized := (Sizes{}).entries()[name]; sized {
			spec.MaxEntries = m.MaxEntries()
		}
		why := ""
		if err := spec.Compatible(m); err != nil {
			why = err.Error()
		} else if name == bpf.DroverMapSettings {
			why, err = layoutMisfit(m)
			if err != nil {
				return "", errors.Join(err, m.Close())
			}
		}
		if err := m.Close(); err != nil || why != "" {
			return why, err
		}
	}
	return "", nil
}

func layoutMisfit(settings *ebpf.Map) (string, error) {
	var s bpf.DroverSettings
	if err := settings.Lookup(uint32(0), &s); err != nil {
		return "", fmt.Errorf("read settings: %w", err)
	}
	if s.Layout == 0 || s.Layout == uint64(bpf.DroverLimitsLAYOUT) {
		return "", nil
	}
	return fmt.Sprintf("they are of layout %d, this program's is %d", s.Layout, bpf.DroverLimitsLAYOUT), nil
}

// pinned opens a pinned map; nil if there is none.
func (d *DataPlane) pinned(name string) (*ebpf.Map, error) {
	m, err := ebpf.LoadPinnedMap(filepath.Join(d.dir, name), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the pinned map %s: %w", name, err)
	}
	return m, nil
}

// loadObjects opens the pinned maps, creates those that are missing, and loads the programs that user space runs.
func (d *DataPlane) loadObjects() error {
	spec := d.spec.Copy()
	spec.Programs = map[string]*ebpf.ProgramSpec{
		bpf.DroverProgReadClock: spec.Programs[bpf.DroverProgReadClock],
		bpf.DroverProgSweep:     spec.Programs[bpf.DroverProgSweep],
	}
	opts := &ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: d.dir}}
	if err := spec.LoadAndAssign(&d.objects, opts); err != nil {
		return fmt.Errorf("load the BPF maps: %w", explain(err))
	}
	return nil
}

// setTunables gives the program's constants their values in the spec that all programs are loaded from.
func (d *DataPlane) setTunables(s bpf.DroverSettings) error {
	tunables := d.setCounts()
	tunables[bpf.DroverVarFlowSeed] = s.FlowSeed
	return setVariables(d.spec, tunables)
}

// setCounts are the numbers of sets in the flow tables, which the specs of the maps have.
func (d *DataPlane) setCounts() map[string]any {
	counts := map[string]any{
		bpf.DroverVarFlowSets:  d.spec.Maps[bpf.DroverMapFlows].MaxEntries,
		bpf.DroverVarFlow6Sets: d.spec.Maps[bpf.DroverMapFlows6].MaxEntries,
	}
	for name, variable := range map[string]string{
		bpf.DroverMapOldFlows: bpf.DroverVarOldFlowSets, bpf.DroverMapOldFlows6: bpf.DroverVarOldFlow6Sets,
	} {
		counts[variable] = uint32(0)
		if old := d.spec.Maps[name]; old.Pinning == ebpf.PinByName {
			counts[variable] = old.MaxEntries
		}
	}
	return counts
}

func setVariables(spec *ebpf.CollectionSpec, values map[string]any) error {
	for name, value := range values {
		if err := spec.Variables[name].Set(value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
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
