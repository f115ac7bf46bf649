package dataplane

import (
	"encoding/binary"
	"testing"
	"time"

	"drover/bpf"
)

func (p *plane) handshakes(id RealID) Handshakes {
	p.t.Helper()
	counts, err := p.Handshakes(int(id)+1, nil)
	must(p.t, err)
	return counts[id]
}

// expectHandshakes holds how many connections a real server was given, and how many of them were completed.
func (p *plane) expectHandshakes(id RealID, opened, completed uint32) {
	p.t.Helper()
	if got := p.handshakes(id); got.Opened != opened || got.Completed != completed {
		p.t.Errorf("real server %d has %d of %d handshakes completed, want %d of %d", id, got.Completed, got.Opened, completed, opened)
	}
}

func TestHandshakesAreCounted(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.clearHandshakes()
		p.expect(f.syn(1), opened(1))
		p.expect(f.syn(2), opened(2))
		p.expect(f.syn(2), kept(2)) // a SYN sent again is no other connection
		p.expectHandshakes(1, 1, 0)
		p.expectHandshakes(2, 1, 0)

		p.age(100 * time.Millisecond)
		begun := p.handshakes(1)
		p.expect(f.ack(1), kept(1))
		p.expect(f.ack(1), kept(1))
		p.expectHandshakes(1, 1, 1)
		if waited := p.handshakes(1).WaitedSince(begun); waited < 90*time.Millisecond || waited > 600*time.Millisecond {
			t.Errorf("the client waited %s, want 100 ms", waited)
		}

		p.age(time.Second)
		p.expect(f.syn(2), rescheduled(1))
		p.expectHandshakes(2, 1, 0)
		p.expectHandshakes(1, 2, 1)
		p.age(10 * time.Second)
		begun = p.handshakes(1)
		p.expect(f.ack(2), kept(1))
		p.expectHandshakes(1, 2, 2)
		if waited := p.handshakes(1).WaitedSince(begun); waited != time.Second {
			t.Errorf("a client that waited 10 s counts as one that waited %s, want 1 s", waited)
		}

		p.expect(f.datagram(1), opened(3))
		p.expect(f.ack(7), untracked(p.realOf(f.ack(7))))
		p.expectHandshakes(3, 0, 0)
		p.expectHandshakes(1, 2, 2)
	})
}

// TestAFinCompletesAHandshake whose ACK it has overtaken: a client that has had no answer sends none.
func TestAFinCompletesAHandshake(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.clearHandshakes()
		p.expect(f.syn(1), opened(1))
		p.expect(f.segment(1, ack|fin), kept(1))
		p.expect(f.ack(1), kept(1))
		p.expectHandshakes(1, 1, 1)
	})
}

func TestAResetCompletesNoHandshake(t *testing.T) {
	inEither(t, Sizes{}, func(p *plane, f family) {
		p.clearHandshakes()
		p.expect(f.syn(1), opened(1))
		p.expect(f.segment(1, rst), kept(1))
		p.expectHandshakes(1, 1, 0)
	})
}

func TestHandshakesAreReadAsFarAsTheTableGoes(t *testing.T) {
	p := newPlane(t, Options{Sizes: Sizes{Flows: 1, Flows6: 1, Reals: 1000}})
	if size := binary.Size(bpf.DroverHandshakes{}); size != handshakesSize {
		t.Fatalf("an entry has %d bytes, it is read as %d", size, handshakesSize)
	}
	p.change(func(want *Tables) { want.Reals.Set(999, newReal(8, tcpService(web))) })
	must(t, p.objects.Handshakes.Put(uint32(999), bpf.DroverHandshakes{Opened: 7, Completed: 5}))
	var buffer []Handshakes
	for _, ids := range []int{0, 1, 256, 257, 1001, 5000} {
		counts, err := p.Handshakes(ids, buffer)
		must(t, err)
		if want := min(ids, 1001); len(counts) != want {
			t.Errorf("of %d ids %d are read, want %d", ids, len(counts), want)
		}
		buffer = counts
	}
	if got := buffer[999]; got.Opened != 7 || got.Completed != 5 {
		t.Errorf("id 999 reads as %+v", got)
	}
	p.change(func(want *Tables) { want.Reals.Set(999, newReal(9, tcpService(web))) })
	if p.expectHandshakes(999, 0, 0); len(buffer) != 1001 {
		t.Errorf("the buffer has %d entries", len(buffer))
	}
	must(t, p.objects.Handshakes.Put(uint32(999), bpf.DroverHandshakes{Opened: 7, Completed: 5}))
	must(t, p.Grow(Sizes{Flows: 1, Flows6: 1, Reals: 2000}))
	p.expectHandshakes(999, 7, 5)
}
