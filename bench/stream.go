package main

import (
	"errors"
	"fmt"

	"github.com/cilium/ebpf"
)

// stream is a run of the player among strangers.
type stream struct {
	from    int    // first step of the script
	packets int    // strangers included
	every   int    // one packet in so many is the script's, beginning with the first
	flags   uint16 // of the strangers
	seed    uint64 // of the strangers' addresses; not zero
}

// flood plays the script to the program, with strangers in between; [player.destinations] tells where the packets of the
// script went. It returns the nanoseconds of processor time per packet.
func (p *player) flood(program *ebpf.Program, s stream) (float64, error) {
	o := p.objects
	if err := errors.Join(
		p.rewind(s.from), o.Turn.Set(uint32(0)), o.LastStep.Set(uint32(0)), o.ScriptEvery.Set(uint32(s.every)),
		o.StrangerFlags.Set(rawPort(s.flags)), o.StrangerState.Set(s.seed),
	); err != nil {
		return 0, fmt.Errorf("prepare the player: %w", err)
	}
	// The program sees what became of a packet when it makes the next: one more shows the last.
	return p.run(o.XdpFlood, program, s.packets+1)
}

// destinations tells where each packet of the script went when it was played last.
func (p *player) destinations() (destinations, error) {
	var (
		cursor ebpf.MapBatchCursor
		places = make([]uint32, p.length)
		went   = make(destinations, p.length)
	)
	for read := 0; read < p.length; {
		n, err := p.objects.Outcome.BatchLookup(&cursor, places[read:], went[read:], nil)
		read += n
		if err != nil && !(errors.Is(err, ebpf.ErrKeyNotExist) && read == p.length) {
			return nil, fmt.Errorf("read where the packets went: %w", err)
		}
	}
	return went, nil
}
