package main

import "fmt"

// tally is what a balancer counted.
type tally struct {
	kept      uint64 // packets that followed their connection
	placed    uint64 // packets that opened a connection, which was remembered
	untracked uint64 // packets of connections that the table had no place for, or did not know
	other     uint64 // packets with any other outcome

	service traffic // of the virtual server
	reals   traffic // of all its real servers together
}

type traffic struct{ packets, bytes, connections uint64 }

func (t tally) minus(o tally) tally {
	return tally{
		kept: t.kept - o.kept, placed: t.placed - o.placed, untracked: t.untracked - o.untracked, other: t.other - o.other,
		service: t.service.minus(o.service), reals: t.reals.minus(o.reals),
	}
}

func (t traffic) minus(o traffic) traffic {
	return traffic{t.packets - o.packets, t.bytes - o.bytes, t.connections - o.connections}
}

func (t traffic) plus(o traffic) traffic {
	return traffic{t.packets + o.packets, t.bytes + o.bytes, t.connections + o.connections}
}

// wantTally is what a balancer must have counted of packets with these outcomes, in frames of so many bytes.
func wantTally(kept, placed, untracked uint64, frame int) tally {
	packets := kept + placed + untracked
	each := traffic{packets: packets, bytes: packets * uint64(frame), connections: placed}
	return tally{kept: kept, placed: placed, untracked: untracked, service: each, reals: each}
}

func (t tally) expect(want tally) error {
	if t != want {
		return fmt.Errorf("counted %+v, not %+v", t, want)
	}
	return nil
}
