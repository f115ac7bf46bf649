package main

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
)

func smallFlood() floodOptions {
	return floodOptions{family: IPv4, flows: 50, table: 100_000, packets: 20_000, every: 10, delay: 100, rounds: 2}
}

func TestFloodBenchmarkMeasuresBothFloods(t *testing.T) {
	needRoot(t)
	o := smallFlood()
	report, err := benchFlood(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, program := range []string{"drover", "floor", "textbook"} {
		for path, flows := range map[Path]int{
			BeforeSYNs: o.flows, AmongSYNs: o.flows, BeforeACKs: o.flows, AmongACKs: o.flows,
			SYNFlood: o.judged(), ACKFlood: o.judged(),
		} {
			if r, found := report.row(program, path, IPv4, flows); !found || r.Lost > 0 || program == "floor" && r.Moved > 0 {
				t.Errorf("%s, %s: %+v", program, path, r)
			}
		}
	}
	if len(report.Rows) != 18 || len(report.Bars) != 4 {
		t.Errorf("%d rows, bars %+v", len(report.Rows), report.Bars)
	}
	if err := report.check(); err != nil {
		t.Error(err)
	}
}

func TestAFloodHasAtLeastThePacketsAskedForAndEveryClientComesBack(t *testing.T) {
	f := flood{floodOptions: smallFlood(), firstClient: 1000}
	if sent := f.rounds * f.part(); sent < f.packets || sent > f.packets+f.rounds*f.every*groupSteps {
		t.Errorf("%d packets, want %d", sent, f.packets)
	}
	script := f.script()
	if len(script)*f.every != f.rounds*f.part() {
		t.Errorf("%d steps for %d packets", len(script), f.rounds*f.part())
	}
	for client := range f.judged() {
		first, second := script[client*groupSteps+ofNewClient], script[(client+f.lag())*groupSteps+ofKnownClient]
		same := first.Client == second.Client && first.Port == second.Port
		if !same || first.Flags != rawPort(tcpSYN) || second.Flags != rawPort(tcpACK) {
			t.Fatalf("client %d sends %+v and then %+v", client, first, second)
		}
	}
}

// A balancer that forgets everything is found out.
func TestMovedAndLostConnectionsAreCounted(t *testing.T) {
	needRoot(t)
	err := inPrivate(func() (err error) {
		const flows = 20
		textbook, err := openTextbook(IPv4, flows)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeContestants(textbook)) }()
		floors, err := openFloors(IPv4, 1)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, closeContestants(floors)) }()
		player, err := newPlayer(IPv4, useEach(flows))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, player.close()) }()
		watches, err := newWatches(textbook, player)
		if err != nil {
			return err
		}
		w := watches["textbook"]
		pass := stream{packets: flows, every: 1, seed: 1}
		if _, err := w.look(textbook[0], player, pass); err != nil {
			return err
		}
		if r := w.row(textbook[0], AmongSYNs, []float64{1}); r.Moved != 0 || r.Lost != 0 {
			t.Errorf("connections that stayed: %+v", r)
		}
		// Floor sends all to one of four real servers.
		if _, err := w.look(floors[0], player, pass); err != nil {
			return err
		}
		if r := w.row(textbook[0], AmongSYNs, []float64{1}); r.Moved != flows*3/4 || r.Lost != 0 {
			t.Errorf("connections of which three of four moved: %+v", r)
		}
		w.note(0, 0)
		if r := w.row(textbook[0], AmongSYNs, []float64{1}); r.Lost != 1 {
			t.Errorf("one connection went nowhere: %+v", r)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestClientsThatChangeTheirServerAreCounted(t *testing.T) {
	f := flood{floodOptions: smallFlood()}
	went := make(destinations, f.clients()*groupSteps)
	here, there := destinationOf(0), destinationOf(1)
	for i := range went {
		went[i] = here
	}
	if moved, lost := f.judgeClients(went); moved != 0 || lost != 0 {
		t.Errorf("%d moved, %d lost", moved, lost)
	}
	went[(5+f.lag())*groupSteps+ofKnownClient] = there
	went[7*groupSteps+ofNewClient] = 0
	if moved, lost := f.judgeClients(went); moved != 1 || lost != 1 {
		t.Errorf("%d moved, %d lost, want one of each", moved, lost)
	}
}

// destinationOf is what a frame to the real server begins with.
func destinationOf(real int) destination {
	var frame [8]byte
	copy(frame[:], realMACs()[real])
	copy(frame[6:], balancerMAC())
	return destination(binary.NativeEndian.Uint64(frame[:]))
}
