package dataplane

import "testing"

// TestGrowReplacesTheProgramOnTheWire, on the link that it has.
func TestGrowReplacesTheProgramOnTheWire(t *testing.T) {
	newNetns(t)
	p := newPlane(t, Options{})
	first := p.attachTo("enp1s0", newVeth(t, "enp1s0"), ModeAuto)
	id := p.linkID("enp1s0")
	sendFrame(t, tcp(client, web, syn))
	p.eventuallyCounts(ForwardNew, 1)

	p.grow(larger)
	second := attachedProgram(t, "enp1s0")
	if second == first.ProgramID || p.linkID("enp1s0") != id {
		t.Errorf("program %d on link %d is now %d on link %d", first.ProgramID, id, second, p.linkID("enp1s0"))
	}
	sendFrame(t, tcp(client, web, ack))
	p.eventuallyCounts(ForwardFlow, 1)
	p.tidy()
	if third := attachedProgram(t, "enp1s0"); third == second || p.linkID("enp1s0") != id {
		t.Errorf("program %d on link %d is now %d on link %d", second, id, third, p.linkID("enp1s0"))
	}
	sendFrame(t, tcp(client, web, ack))
	p.eventuallyCounts(ForwardFlow, 2)
	p.expectTrueLoads()
}

// TestAnEarlierProcessesProgramWritesOnToTheOldTable until Attach replaces it; nothing of that is lost.
func TestAnEarlierProcessesProgramWritesOnToTheOldTable(t *testing.T) {
	newNetns(t)
	p := newPlane(t, Options{Sizes: small})
	index := newVeth(t, "enp1s0")
	p.attachTo("enp1s0", index, ModeAuto)
	sendFrame(t, tcp("203.0.113.7:1", web, syn))
	p.eventuallyCounts(ForwardNew, 1)
	p = p.reopen(Options{Sizes: larger})
	p.sweep()
	sendFrame(t, tcp("203.0.113.7:2", web, syn))
	p.eventuallyCounts(ForwardNew, 2)
	if must(t, p.Tidy()); !p.Moving() {
		t.Fatal("the table that the program on the wire uses was let go")
	}
	p.attachTo("enp1s0", index, ModeAuto)
	must(t, p.Tidy())
	p.tidy()
	p.expect(tcp("203.0.113.7:1", web, ack), kept(1))
	p.expect(tcp("203.0.113.7:2", web, ack), kept(2))
	p.expectTrueLoads()
}
