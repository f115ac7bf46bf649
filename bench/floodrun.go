package main

import (
	"context"
	"errors"
	"fmt"

	"drover/bench/yardstick"
)

// flood is one flood. Now and then a packet of a connection comes between those of the strangers: of one that is
// established, of a new client, and of a client that came before.
type flood struct {
	floodOptions
	floodKind
	firstClient int // number of the connection of the first new client
}

// A flood's script has its packets in groups of these.
const (
	ofConnection = iota
	ofNewClient
	ofKnownClient // the ACK after its SYN
	groupSteps
)

// groups is how many groups a part of a flood has.
func (o floodOptions) groups() int {
	packets := o.rounds * o.every * groupSteps // with a group in each part
	return (o.packets + packets - 1) / packets
}

// part is the packets in a part of a flood, strangers included.
func (o floodOptions) part() int { return o.groups() * groupSteps * o.every }

// clients is how many new clients come in a flood.
func (o floodOptions) clients() int { return o.rounds * o.groups() }

// lag is how many groups later the second packet of a client comes than the first.
func (o floodOptions) lag() int { return max(1, o.delay/(o.every*groupSteps)) }

// judged is how many of them come back for a second packet.
func (o floodOptions) judged() int { return o.clients() - o.lag() }

// script has a group for each new client. While no client is known yet, an established connection is there instead.
func (f flood) script() []yardstick.PlayerStep {
	used := useEach(f.flows)
	steps := make([]yardstick.PlayerStep, 0, groupSteps*f.clients())
	for group := range f.clients() {
		connection, known := used[group%f.flows], used[0]
		if group >= f.lag() {
			known = step(uint32(f.firstClient+group-f.lag()), tcpACK)
		}
		steps = append(steps, connection, step(uint32(f.firstClient+group), tcpSYN), known)
	}
	return steps
}

// run plays the flood to all in parts, and looks after the established connections after each.
func (f flood) run(ctx context.Context, all []*contestant, user *player) (rows []Row, err error) {
	flooder, err := newPlayer(f.family, f.script())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, flooder.close()) }()
	watches, err := newWatches(all, user)
	if err != nil {
		return nil, err
	}
	clients := make(map[string]destinations)
	before, among := make(measurements), make(measurements)
	found, err := inRounds(ctx, all, f.rounds, func(c *contestant, round int) (float64, error) {
		w := watches[c.name]
		quiet, err := w.look(c, user, stream{packets: f.uses(), every: 1, seed: 1})
		if err != nil {
			return 0, err
		}
		went, ns, err := f.playPart(c, flooder, round)
		if err != nil {
			return 0, err
		}
		clients[c.name] = append(clients[c.name], went...)
		f.noteConnections(w, went, round)
		mixed, err := w.look(c, user, f.mix(round))
		before[c], among[c] = append(before[c], quiet), append(among[c], mixed)
		return ns, err
	})
	if err != nil {
		return nil, err
	}
	for _, c := range all {
		row := newRow(c, f.path, f.judged(), found[c])
		row.Moved, row.Lost = f.judgeClients(clients[c.name])
		rows = append(rows,
			newRow(c, f.before, f.flows, before[c]), watches[c.name].row(c, f.among, among[c]), row)
	}
	return rows, nil
}

// playPart plays one part, and tells where the packets of connections went.
func (f flood) playPart(c *contestant, p *player, round int) (destinations, float64, error) {
	steps := f.groups() * groupSteps
	from := round * steps
	ns, counted, err := c.counting(func(from, packets int) (float64, error) {
		return p.flood(c.program, stream{from: from, packets: packets, every: f.every, flags: f.flags, seed: seedOf(round)})
	}, from, f.part())
	if err != nil {
		return nil, 0, err
	}
	if counted.other > 0 {
		return nil, 0, fmt.Errorf("%s went to no real server", countOf(int(counted.other), "packet"))
	}
	went, err := p.destinations()
	if err != nil {
		return nil, 0, err
	}
	return went[from : from+steps], ns, nil
}

// mix has as many packets of strangers as of established connections.
func (f flood) mix(round int) stream {
	return stream{packets: 2 * f.uses(), every: 2, flags: f.flags, seed: seedOf(f.rounds + round)}
}

// seedOf gives every part strangers of its own, and every contestant the same. It is not zero.
func seedOf(round int) uint64 { return uint64(round+1) * 0x9e3779b97f4a7c15 }

// noteConnections compares where the packets of established connections went.
func (f flood) noteConnections(w *watch, went destinations, round int) {
	for at := ofConnection; at < len(went); at += groupSteps {
		group := round*f.groups() + at/groupSteps
		w.note(group%f.flows, went[at])
	}
}

// judgeClients compares where the two packets of each new client went.
func (f flood) judgeClients(went destinations) (moved, lost int) {
	for client := range f.judged() {
		first, second := went[client*groupSteps+ofNewClient], went[(client+f.lag())*groupSteps+ofKnownClient]
		switch {
		case !first.real() || !second.real():
			lost++
		case first != second:
			moved++
		}
	}
	return moved, lost
}
