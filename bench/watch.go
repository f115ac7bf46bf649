package main

import "encoding/binary"

// destination is where a packet went: the start of its frame, the MAC address and the first two bytes of the source's.
type destination uint64

type destinations []destination

// real tells whether it is a real server.
func (d destination) real() bool {
	var frame [8]byte
	binary.NativeEndian.PutUint64(frame[:], uint64(d))
	for _, mac := range realMACs() {
		if [6]byte(frame[:6]) == [6]byte(mac) {
			return true
		}
	}
	return false
}

// watch looks after established connections: whether each goes where it went first.
type watch struct {
	home        destinations
	moved, lost []bool
}

// newWatches begins a watch for each contestant, with a pass over the connections of the player.
func newWatches(all []*contestant, user *player) (map[string]*watch, error) {
	watches := make(map[string]*watch)
	for _, c := range all {
		if _, err := user.flood(c.program, stream{packets: user.length, every: 1, seed: 1}); err != nil {
			return nil, err
		}
		home, err := user.destinations()
		if err != nil {
			return nil, err
		}
		w := &watch{home: home, moved: make([]bool, len(home)), lost: make([]bool, len(home))}
		watches[c.name] = w
		for i, d := range home {
			w.note(i, d)
		}
	}
	return watches, nil
}

// look plays a stream with packets of every connection, and returns the nanoseconds that each took.
func (w *watch) look(c *contestant, user *player, s stream) (float64, error) {
	ns, err := user.flood(c.program, s)
	if err != nil {
		return 0, err
	}
	went, err := user.destinations()
	if err != nil {
		return 0, err
	}
	for i, d := range went {
		w.note(i, d)
	}
	return ns, nil
}

// note compares where a packet of connection i went.
func (w *watch) note(i int, d destination) {
	w.lost[i] = w.lost[i] || !d.real()
	w.moved[i] = w.moved[i] || d != w.home[i]
}

// row has what became of the connections.
func (w *watch) row(c *contestant, path Path, ns []float64) Row {
	row := newRow(c, path, len(w.home), ns)
	for i := range w.home {
		switch {
		case w.lost[i]:
			row.Lost++
		case w.moved[i]:
			row.Moved++
		}
	}
	return row
}
