package ctrl

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"drover/ctrl/vrrp"
)

// agency is an agent that a test turns by hand, with a candidate that is MASTER.
type agency struct {
	*agent
	*polls
	written bytes.Buffer
}

const onlyCandidate candidateID = 7

func newAgency(t *testing.T) *agency {
	t.Helper()
	p := newPolls(t)
	a := &agency{polls: p}
	a.agent = &agent{
		log: p.errands.log, gates: &lease{left: time.Second}, elections: p.elections, errands: p.errands, announcer: newAnnouncer(p.errands.log),
		out: newOutbox(&a.written), routers: make(map[candidateID]*elected), left: make(chan candidateID),
	}
	a.order(order{Add: &addOrder{onlyCandidate, *plainInstance(), 1}})
	a.router().ground.told = func(footing) {} // the test says where it stands
	a.order(order{Follow: &followOrder{[]setOrder{{Members: []candidateID{onlyCandidate}}}}})
	a.order(order{Start: &fitOrder{ID: onlyCandidate}})
	a.router().stand(footing{source: from})
	a.turnAll()
	return a
}

func (a *agency) router() *router { return a.routers[onlyCandidate].router }

// order has the agent obey, and everything done that follows.
func (a *agency) order(o order) {
	a.heard()
	a.obey(a.t.Context(), o)
	a.turnAll()
}

// told is all news since it was called last, in a word each.
func (a *agency) told() (words []string) {
	a.t.Helper()
	for _, do := range a.out.mail.take() {
		do()
	}
	if a.out.err != nil {
		a.t.Fatal(a.out.err)
	}
	for decoder := json.NewDecoder(&a.written); ; {
		var n news
		if err := decoder.Decode(&n); errors.Is(err, io.EOF) {
			return words
		} else if err != nil {
			a.t.Fatal(err)
		}
		words = append(words, wordFor(n))
	}
}

func wordFor(n news) string {
	switch {
	case n.Status != nil:
		return fmt.Sprintf("%d is %s", n.Status.ID, n.Status.Status.state)
	case n.Event != nil:
		return fmt.Sprintf("%s %s", n.Event.Subject.Name, n.Event.State)
	case n.Changed != nil:
		return fmt.Sprintf("%d has changed", n.Changed.ID)
	case n.Done != nil:
		return fmt.Sprintf("%d is done", n.Done.ID)
	case n.Answered != nil:
		return fmt.Sprintf("answer %d", n.Answered.Number)
	default:
		return "nothing"
	}
}

func (a *agency) mustTell(want ...string) {
	a.t.Helper()
	if got := a.told(); !slices.Equal(got, want) {
		a.t.Errorf("told %q, want %q", got, want)
	}
}

func (a *agency) mustBe(want vrrp.State) {
	a.t.Helper()
	if got := a.router().machine.State(); got != want {
		a.t.Fatalf("state %s, want %s", got, want)
	}
}

// The controller must not hear of a transition that the status which it has does not show.
func TestTheAgentTellsOfATransitionAfterItsStatus(t *testing.T) {
	a := newAgency(t)
	a.mustBe(vrrp.Master)
	a.mustTell("7 is MASTER", "SERVICE MASTER", "7 is MASTER", "7 has changed")
	a.order(order{Fit: &fitOrder{onlyCandidate, fitness{fault: "down"}}})
	a.mustBe(vrrp.Faulty)
	a.mustTell("7 is FAULT", "SERVICE FAULT", "7 is FAULT", "7 has changed")
	a.order(order{Ask: &askOrder{3}})
	a.mustTell("7 is FAULT", "answer 3")
}

func TestWhileTheControlPlaneHangsAnotherNodeIsToBeMaster(t *testing.T) {
	a := newAgency(t)
	for range longSilence - 1 {
		a.missed()
	}
	a.turnAll()
	a.mustBe(vrrp.Master)
	for range 3 {
		a.missed()
	}
	a.turnAll()
	a.mustBe(vrrp.Faulty)
	a.order(order{})
	a.mustBe(vrrp.Backup)
	for range longSilence - 1 {
		a.missed()
	}
	a.turnAll()
	a.mustBe(vrrp.Backup)
}

func TestWhatIsOrderedOfARouterThatIsDoneComesTooLate(t *testing.T) {
	a := newAgency(t)
	a.order(order{Stop: &stopOrder{IDs: []candidateID{onlyCandidate}}})
	a.router().leaving = time.Now() // nobody succeeds it
	a.turnAll()
	id := <-a.left
	delete(a.routers, id)
	for _, late := range []order{
		{Fit: &fitOrder{ID: id}}, {Start: &fitOrder{ID: id}}, {Stop: &stopOrder{IDs: []candidateID{id}}},
		{Reconfigure: &reconfigureOrder{ID: id}}, {Follow: &followOrder{[]setOrder{{Members: []candidateID{id}}}}},
	} {
		a.order(late)
	}
	a.told()
	a.order(order{Ask: &askOrder{1}})
	a.mustTell("answer 1")
}

func TestTheAgentEndsWithItsOrders(t *testing.T) {
	for name, test := range map[string]struct {
		orders string
		fails  bool
	}{
		"none":                  {"", false},
		"some":                  {"{}\n{\"Ask\":{\"Number\":1}}\n", false},
		"the daemon was killed": {"{}\n{\"Ask\":", false},
		"nonsense":              {"{}\nhello\n", true},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPolls(t)
			err := RunVRRP(context.Background(), p.errands.log, bytes.NewBufferString(test.orders), io.Discard, new(lease))
			if (err != nil) != test.fails {
				t.Errorf("it ends with %v, want an error: %v", err, test.fails)
			}
		})
	}
}

func TestAMasterAnnouncesItsAddressesWhenAPartOfTheLANIsHeardAgain(t *testing.T) {
	a := newAgency(t)
	announced := 0
	a.router().announce = func(list []announcement) { announced += len(list) }
	a.router().instance.GARP.MasterRepeat = 5
	a.order(order{Reconfigure: &reconfigureOrder{onlyCandidate, a.router().instance}})
	announced = 0
	a.order(order{Reunite: &candidateNews{onlyCandidate}})
	if announced != 5 {
		t.Errorf("%d announcements of one address, want 5", announced)
	}
}
