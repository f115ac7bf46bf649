package main

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// entries is the least that the kernel takes for a change: a plain array with a word for every real server of every
// service, written and read in one call each.
type entries struct {
	scaleOptions
	array  *ebpf.Map
	keys   []uint32
	values []uint64
}

func openEntries(o scaleOptions) (changer, error) {
	n := o.services * o.reals
	array, err := ebpf.NewMap(&ebpf.MapSpec{Type: ebpf.Array, KeySize: 4, ValueSize: 8, MaxEntries: uint32(n)})
	if err != nil {
		return nil, err
	}
	e := &entries{scaleOptions: o, array: array, keys: make([]uint32, n), values: make([]uint64, n)}
	for i := range e.keys {
		e.keys[i], e.values[i] = uint32(i), uint64(i)
	}
	return e, nil
}

func (e *entries) steps() []changeStep {
	return []changeStep{{path: FromNothing, do: e.apply}, {path: OneDown, do: e.change}, {path: Unchanged, do: e.again}}
}

func (e *entries) apply() error {
	if _, err := e.array.BatchUpdate(e.keys, e.values, nil); err != nil {
		return fmt.Errorf("write all entries: %w", err)
	}
	return nil
}

// change writes an entry of each service.
func (e *entries) change() error {
	for i := range e.services {
		if err := e.array.Put(e.keys[i*e.reals], uint64(1)); err != nil {
			return fmt.Errorf("write an entry: %w", err)
		}
	}
	return nil
}

// again reads what is there.
func (e *entries) again() error {
	var cursor ebpf.MapBatchCursor
	n, err := e.array.BatchLookup(&cursor, e.keys, e.values, nil)
	if n != len(e.keys) || (err != nil && !errors.Is(err, ebpf.ErrKeyNotExist)) {
		return fmt.Errorf("read all entries: %d of %d: %w", n, len(e.keys), err)
	}
	return nil
}

func (e *entries) written() int { return 0 }

func (e *entries) close() error { return e.array.Close() }
