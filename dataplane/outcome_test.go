package dataplane

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"testing"
)

// Return codes of an XDP program.
const (
	xdpDrop = 1
	xdpPass = 2
	xdpTX   = 3
)

// outcome is all that a frame may bring about.
type outcome struct {
	verdict Verdict
	real    RealID // where it goes, if it is forwarded
	opens   bool   // whether it counts as a connection
}

func ends(v Verdict) outcome        { return outcome{verdict: v} }
func opened(id RealID) outcome      { return outcome{ForwardNew, id, true} }
func kept(id RealID) outcome        { return outcome{ForwardFlow, id, false} }
func rescheduled(id RealID) outcome { return outcome{ForwardRescheduled, id, true} }
func untracked(id RealID) outcome   { return outcome{ForwardUntracked, id, false} }

// inGrace is the outcome of a frame that would otherwise have had another.
func inGrace(o outcome) outcome { return outcome{ForwardGrace, o.real, o.opens} }

func (o outcome) action() uint32 {
	switch {
	case o.real != 0:
		return xdpTX
	case o.verdict == DropARPSilent:
		return xdpDrop
	default:
		return xdpPass
	}
}

// tally is what every counter holds; what is zero is left out.
type tally struct {
	Verdicts map[Verdict]uint64
	Services map[ServiceKey]Traffic
	Reals    map[RealID]Traffic
}

func (p *plane) tally() tally {
	p.t.Helper()
	verdicts, err := p.Verdicts()
	must(p.t, err)
	now := tally{Verdicts: verdicts, Services: make(map[ServiceKey]Traffic), Reals: make(map[RealID]Traffic)}
	for key := range p.want.Services {
		now.Services[key], err = p.ServiceTraffic(key)
		must(p.t, err)
	}
	for id := range p.want.Reals {
		now.Reals[id], err = p.RealTraffic(id)
		must(p.t, err)
	}
	maps.DeleteFunc(now.Verdicts, func(_ Verdict, n uint64) bool { return n == 0 })
	maps.DeleteFunc(now.Services, func(_ ServiceKey, n Traffic) bool { return n == Traffic{} })
	maps.DeleteFunc(now.Reals, func(_ RealID, n Traffic) bool { return n == Traffic{} })
	return now
}

// add counts one frame with its outcome.
func (p *plane) add(to tally, frame []byte, o outcome) {
	to.Verdicts[o.verdict]++
	if o.real == 0 {
		return
	}
	service := p.want.Reals[o.real].Service
	to.Services[service] = to.Services[service].add(frame, o.opens)
	to.Reals[o.real] = to.Reals[o.real].add(frame, o.opens)
}

func (t Traffic) add(frame []byte, opens bool) Traffic {
	t.Packets++
	t.Bytes += uint64(len(frame))
	if opens {
		t.Connections++
	}
	return t
}

// expect sends a frame and checks what the program returns, what has become of the frame, and every counter.
func (p *plane) expect(frame []byte, want outcome) {
	p.t.Helper()
	counters := p.tally()
	action, out := p.run(frame)
	after := p.tally()

	if action != want.action() {
		p.t.Errorf("the program returned %s, want %s", actionName(action), actionName(want.action()))
	}
	whole := frame
	if want.real != 0 {
		whole = sent(frame, realMAC(want.real))
	}
	if !bytes.Equal(out, whole) {
		p.t.Errorf("the frame became\n  %x, want\n  %x", out, whole)
	}
	p.add(counters, frame, want)
	if !reflect.DeepEqual(after, counters) {
		p.t.Errorf("the counters stand at\n  %v, want\n  %v", after, counters)
	}
}

func actionName(action uint32) string {
	switch action {
	case xdpDrop:
		return "XDP_DROP"
	case xdpPass:
		return "XDP_PASS"
	case xdpTX:
		return "XDP_TX"
	default:
		return fmt.Sprintf("XDP action %d", action)
	}
}

// step is something done to the tables, if anything, then a frame, then its outcome.
type step struct {
	given func(*plane)
	frame []byte
	want  outcome
}

// story is steps on a data plane of their own, each of which must come out as told.
type story struct {
	name  string
	steps []step
}

func tell(t *testing.T, stories []story) {
	t.Helper()
	requireRoot(t)
	for _, s := range stories {
		t.Run(s.name, func(t *testing.T) {
			p := newPlane(t, Options{})
			for n, step := range s.steps {
				if step.given != nil {
					step.given(p)
				}
				if p.expect(step.frame, step.want); t.Failed() {
					t.Fatalf("in step %d of %d", n+1, len(s.steps))
				}
			}
		})
	}
}
