package dataplane

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"testing"
)

// Return codes of an XDP program.
const (
	xdpDrop     = 1
	xdpTX       = 3
	xdpRedirect = 4
)

// outcome is all that a frame may bring about.
type outcome struct {
	verdict Verdict
	real    RealID // where it goes, if it goes to a real server
	opens   bool   // whether it counts as a connection
}

func ends(v Verdict) outcome        { return outcome{verdict: v} }
func opened(id RealID) outcome      { return outcome{ForwardNew, id, true} }
func kept(id RealID) outcome        { return outcome{ForwardFlow, id, false} }
func rescheduled(id RealID) outcome { return outcome{ForwardRescheduled, id, true} }
func untracked(id RealID) outcome   { return outcome{ForwardUntracked, id, false} }

func resumed(id RealID) outcome { return outcome{ForwardResumed, id, false} }
func follows(id RealID) outcome { return outcome{ForwardFragment, id, false} }
func toldOf(id RealID) outcome  { return outcome{ForwardError, id, false} }

// locally is the outcome of a frame whose real server is this host.
func locally(o outcome) outcome { return outcome{PassLocal, o.real, o.opens} }

// inGrace is the outcome of a frame that would otherwise have had another.
func inGrace(o outcome) outcome { return outcome{ForwardGrace, o.real, o.opens} }

// wanted is what the program returns, and the frame then.
func (p *plane) wanted(frame []byte, o outcome) (action uint32, out []byte) {
	p.t.Helper()
	port := p.want.Reals.Get(o.real).Port
	switch {
	case strings.HasPrefix(o.verdict.String(), "drop-"):
		return xdpDrop, frame
	case o.verdict == PassProbe:
		return xdpPass, with(frame, atDestination, probeMAC[:]...)
	case o.real == 0 || port == PortLocal:
		return xdpPass, frame
	case port == p.on.Port:
		return xdpTX, sentFrom(frame, p.on.MAC, realMAC(o.real))
	default:
		return xdpRedirect, sentFrom(frame, p.want.Ports[port].MAC, realMAC(o.real))
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
		now.Services[key], err = p.ServiceTraffic(key, p.realsOf(key))
		must(p.t, err)
	}
	for id := range RealID(len(p.want.Reals)) {
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

	wantAction, wantOut := p.wanted(frame, want)
	if action != wantAction {
		p.t.Errorf("the program returned %s, want %s", actionName(action), actionName(wantAction))
	}
	if !bytes.Equal(out, wantOut) {
		p.t.Errorf("the frame became\n  %x, want\n  %x", out, wantOut)
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
	case xdpRedirect:
		return "XDP_REDIRECT"
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

// story is steps on a data plane that knows of no others, each of which must come out as told.
type story struct {
	name  string
	steps []step
}

func tell(t *testing.T, stories []story) {
	t.Helper()
	tellOf(t, testTables, stories)
}

// tellOf tells stories that begin with other tables.
func tellOf(t *testing.T, tables func() Tables, stories []story) {
	t.Helper()
	newPlane(t, Options{}).tell(tables, stories)
}

// tell tells stories one after the other. What one of them changes beside tables, gates, timeouts and what the program
// notes itself would last into the next.
func (p *plane) tell(tables func() Tables, stories []story) {
	for _, s := range stories {
		p.t.Run(s.name, func(t *testing.T) {
			p := p.in(t)
			p.renew(tables())
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
