package dataplane

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
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
	next, err := d.grown(sizes)
	if err != nil {
		return err
	}
	if err := errors.Join(next.pin(), next.close()); err != nil {
		return err
	}
	d.spec = next.spec
	settings, adopted, err := d.openSettings()
	if err != nil {
		return err
	}
	if d.adopted = adopted; adopted {
		d.uncounted = RealID(MaxReals) + 1
	}
	if err := d.setTunables(settings); err != nil {
		return err
	}
	d.objects, err = d.loadObjects()
	return err
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
