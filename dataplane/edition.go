package dataplane

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// edition is what programs are loaded from, and the maps that they are to use.
type edition struct {
	dir     string               // where the maps are pinned
	spec    *ebpf.CollectionSpec // tunables set, but for those of an interface
	instead map[string]*ebpf.Map // by name: maps that are not pinned yet, to be used instead of those that are
}

// pinned opens a pinned map; nil if there is none.
func (e *edition) pinned(name string) (*ebpf.Map, error) {
	m, err := ebpf.LoadPinnedMap(filepath.Join(e.dir, name), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("open the pinned map %s: %w", name, err)
	}
	return m, nil
}

func (e *edition) newMap(name string) (*ebpf.Map, error) {
	spec := e.spec.Maps[name].Copy()
	spec.Pinning = ebpf.PinNone
	return ebpf.NewMap(spec)
}

// loadObjects opens the maps, creates those that are missing, and loads the programs that user space runs.
func (e *edition) loadObjects() (objects, error) {
	spec := e.spec.Copy()
	spec.Programs = map[string]*ebpf.ProgramSpec{
		bpf.DroverProgReadClock: spec.Programs[bpf.DroverProgReadClock],
		bpf.DroverProgSweep:     spec.Programs[bpf.DroverProgSweep],
		bpf.DroverProgProbe:     spec.Programs[bpf.DroverProgProbe],
	}
	opts := &ebpf.CollectionOptions{Maps: ebpf.MapOptions{PinPath: e.dir}, MapReplacements: e.instead}
	var loaded objects
	if err := spec.LoadAndAssign(&loaded, opts); err != nil {
		return objects{}, fmt.Errorf("load the BPF maps: %w", explain(err))
	}
	return loaded, nil
}

// loadProgram loads the program for an interface, on maps that are there.
func (e *edition) loadProgram(on Interface) (*ebpf.Program, error) {
	spec := e.spec.Copy()
	if err := setVariables(spec, map[string]any{
		bpf.DroverVarInterfaceMac: eightBytes(on.MAC), bpf.DroverVarInterfaceMtu: uint32(on.MTU),
		bpf.DroverVarInterfacePort: uint8(on.Port), bpf.DroverVarVirtualRouters: on.VirtualRouters.bits(),
	}); err != nil {
		return nil, err
	}
	shared := make(map[string]*ebpf.Map)
	maps.Copy(shared, e.instead)
	for name, m := range spec.Maps {
		if m.Pinning != ebpf.PinByName || shared[name] != nil {
			continue
		}
		opened, err := ebpf.LoadPinnedMap(filepath.Join(e.dir, name), nil)
		if err != nil {
			return nil, fmt.Errorf("open the pinned map %s: %w", name, err)
		}
		defer opened.Close()
		shared[name] = opened
	}
	var program struct {
		Drover *ebpf.Program `ebpf:"drover"`
	}
	if err := spec.LoadAndAssign(&program, &ebpf.CollectionOptions{MapReplacements: shared}); err != nil {
		return nil, fmt.Errorf("load the XDP program: %w", explain(err))
	}
	return program.Drover, nil
}

// setTunables gives the program's constants their values in the spec that all programs are loaded from.
func (e *edition) setTunables(s bpf.DroverSettings) error {
	tunables := e.setCounts()
	tunables[bpf.DroverVarFlowSeed] = s.FlowSeed
	return setVariables(e.spec, tunables)
}

// setCounts are the numbers of sets in the flow tables, which the specs of the maps have.
func (e *edition) setCounts() map[string]any {
	counts := map[string]any{
		bpf.DroverVarFlowSets:  e.spec.Maps[bpf.DroverMapFlows].MaxEntries,
		bpf.DroverVarFlow6Sets: e.spec.Maps[bpf.DroverMapFlows6].MaxEntries,
	}
	for name, variable := range map[string]string{
		bpf.DroverMapOldFlows: bpf.DroverVarOldFlowSets, bpf.DroverMapOldFlows6: bpf.DroverVarOldFlow6Sets,
	} {
		counts[variable] = uint32(0)
		if old := e.spec.Maps[name]; old.Pinning == ebpf.PinByName {
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

// eightBytes is a MAC address as the program reads it, in one word.
func eightBytes(mac MAC) (eight [8]byte) {
	copy(eight[:], mac[:])
	return eight
}
