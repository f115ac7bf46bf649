package main

import (
	"fmt"
	"sync/atomic"
)

// record is a list of fixed capacity that one goroutine adds to while others read it. Nobody waits for anybody: a
// reader that is kept from running must not keep the one that measures.
type record[T any] struct {
	items  []T
	length atomic.Int64
}

func newRecord[T any](capacity int) *record[T] { return &record[T]{items: make([]T, capacity)} }

// add fails when the record is full.
func (r *record[T]) add(item T) error {
	n := int(r.length.Load())
	if n == len(r.items) {
		return fmt.Errorf("more than %d records in a repetition", n)
	}
	r.items[n] = item
	r.length.Store(int64(n + 1))
	return nil
}

// all is what was added so far. It does not change any more.
func (r *record[T]) all() []T { return r.items[:r.length.Load()] }
