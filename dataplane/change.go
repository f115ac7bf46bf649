package dataplane

import "iter"

// Change names the services and real servers in which tables may differ from those that were applied before them. The
// zero value names none. What the tables have of anything else is little, and always compared.
type Change struct {
	All      bool // any may differ
	Services []ServiceKey
	Reals    []RealID
}

// wanted is what the maps are to hold, and where they may not hold it yet.
type wanted struct {
	Tables
	change Change
}

// services are the keys of all services of any of the tables that may differ.
func (w wanted) services(h *held) iter.Seq[ServiceKey] {
	return func(yield func(ServiceKey) bool) {
		if !w.change.All {
			for _, key := range w.change.Services {
				if !yield(key) {
					return
				}
			}
			return
		}
		for key := range w.Services {
			if !yield(key) {
				return
			}
		}
		for key := range h.Services {
			if _, there := w.Services[key]; !there && !yield(key) {
				return
			}
		}
	}
}

// reals are the ids of all real servers of any of the tables that may differ.
func (w wanted) reals(h *held) iter.Seq[RealID] {
	return func(yield func(RealID) bool) {
		if !w.change.All {
			for _, id := range w.change.Reals {
				if !yield(id) {
					return
				}
			}
			return
		}
		for n := range max(len(w.Reals), len(h.Reals)) {
			if !yield(RealID(n)) {
				return
			}
		}
	}
}
