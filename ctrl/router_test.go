package ctrl

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/ctrl/notify"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

// lease is gates of which one may have been opened by an earlier process. It remembers what was done to them.
type lease struct {
	left   time.Duration
	opened []opening
	closed []time.Duration // the grace of each
}

// opening is a lease that was given, and the grace after it.
type opening struct{ lease, grace time.Duration }

func (l *lease) OpenGate(_ dataplane.GateID, given, grace time.Duration) error {
	l.opened = append(l.opened, opening{given, grace})
	return nil
}

func (l *lease) CloseGate(_ dataplane.GateID, grace time.Duration) error {
	l.closed = append(l.closed, grace)
	return nil
}

func (l *lease) Gate(dataplane.GateID) (dataplane.GateState, error) {
	return dataplane.GateState{Lease: l.left}, nil
}

// absent is an interface that no host has, so that errands find nothing to change.
const absent = "absent0"

// polls are elections and errands that a test turns by hand.
type polls struct {
	*elections
	t    *testing.T
	log  bytes.Buffer
	news []string // that scripts are told
}

func newPolls(t *testing.T) *polls {
	t.Helper()
	p := &polls{t: t}
	log := slog.New(slog.NewTextHandler(&p.log, nil))
	e, err := newElections(newErrands(log))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.close(); err != nil {
			t.Error(err)
		}
	})
	p.elections = e
	return p
}

// add makes a router of an instance.
func (p *polls) add(i *config.Instance) *router {
	r := newRouter(*i, 1, p.elections, p.errands.log)
	r.gates = new(lease)
	r.ground = newGround(*i, p.errands, r.log)
	r.ground.told = func(footing) {} // the test says where it stands
	r.ground.announce = func([]announcement) {}
	r.told = func(e notify.Event) {
		p.news = append(p.news, fmt.Sprintf("%s %s %s", e.Subject.Kind, e.Subject.Name, e.State))
	}
	return r
}

// take has a router take part, as a node that can speak.
func (p *polls) take(r *router, fit fitness) *router {
	p.t.Helper()
	r.start(fit)
	r.stand(footing{source: from})
	p.turnAll()
	return r
}

func (p *polls) turnAll() {
	p.t.Helper()
	if err := p.turn(); err != nil {
		p.t.Fatal(err)
	}
	for _, do := range p.errands.mail.take() {
		do()
	}
	p.errands.finish()
}

// plainInstance is a member of the virtual router 110 with version 2.
func plainInstance() *config.Instance {
	return &config.Instance{
		Name: "SERVICE", Interface: absent, VirtualRouterID: 110, Priority: 11, Version: 2, AdvertInterval: time.Second,
		DownTimerAdverts: 3, Preempt: true, MulticastGroup: netip.MustParseAddr("224.0.0.18"),
		Addresses: []config.VirtualAddress{{Prefix: prefixOf("192.168.100.221/24")}},
	}
}

// advertOf is an advert of another router.
func advertOf(t *testing.T, vrid, priority uint8) netif.Packet {
	t.Helper()
	source, group := netip.MustParseAddr("192.168.100.212"), netip.MustParseAddr("224.0.0.18")
	payload, err := vrrp.Advert{
		Version: 2, VirtualRouterID: vrid, Priority: priority, Interval: time.Second,
		Addresses: []netip.Addr{netip.MustParseAddr("192.168.100.221")},
	}.Marshal(source, group)
	if err != nil {
		t.Fatal(err)
	}
	return netif.Packet{Source: source, Destination: group, TTL: 255, Payload: payload}
}

func TestARouterBeginsWhenItIsKnownWhereItStandsAndAllTrackersHaveAnswered(t *testing.T) {
	for name, test := range map[string]struct {
		lease time.Duration
		stand footing
		fit   fitness
		want  vrrp.State
		why   string
	}{
		"all well":                     {0, footing{source: from}, fitness{}, vrrp.Backup, "started"},
		"inside a lease":               {time.Second, footing{source: from}, fitness{}, vrrp.Master, "adopted"},
		"a script has not answered":    {0, footing{source: from}, fitness{pending: "script web"}, vrrp.Initialize, "script web"},
		"not answered inside a lease":  {time.Second, footing{source: from}, fitness{pending: "script web"}, vrrp.Master, "adopted"},
		"nowhere to speak from":        {0, footing{problem: "enp1s0 is away"}, fitness{}, vrrp.Faulty, "enp1s0 is away"},
		"a script fails":               {0, footing{source: from}, fitness{fault: "script web fails"}, vrrp.Faulty, "script web fails"},
		"a fault inside a lease":       {time.Second, footing{source: from}, fitness{fault: "down"}, vrrp.Faulty, "down"},
		"no real server and no MASTER": {0, footing{source: from}, fitness{yield: "no real server"}, vrrp.Backup, "started"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPolls(t)
			r := p.add(plainInstance())
			r.gates = &lease{left: test.lease}
			r.start(test.fit)
			p.turnAll()
			if r.machine.State() != vrrp.Initialize {
				t.Errorf("state %s before it is known where it stands", r.machine.State())
			}
			r.stand(test.stand)
			p.turnAll()
			s := r.status()
			if s.state != test.want || !strings.Contains(s.reason, test.why) {
				t.Errorf("state %s because %q, want %s because of %q", s.state, s.reason, test.want, test.why)
			}
		})
	}
}

func TestAPendingRouterBeginsWithTheAnswer(t *testing.T) {
	p := newPolls(t)
	r := p.take(p.add(plainInstance()), fitness{pending: "script web"})
	r.fit(fitness{weight: -4, reason: "script web is down"})
	p.turnAll()
	if s := r.status(); s.state != vrrp.Backup || s.priority != 7 {
		t.Errorf("state %s with priority %d, want BACKUP with 7", s.state, s.priority)
	}
}

func TestFaultsComeAndGoWithWhatIsWatched(t *testing.T) {
	p := newPolls(t)
	r := p.take(p.add(plainInstance()), fitness{})
	for _, step := range []struct {
		do   func()
		want vrrp.State
	}{
		{func() { r.fit(fitness{fault: "enp2s0 is down"}) }, vrrp.Faulty},
		{func() { r.stand(footing{problem: "enp1s0 is away"}) }, vrrp.Faulty},
		{func() { r.fit(fitness{}) }, vrrp.Faulty}, // the other cause lasts
		{func() { r.stand(footing{source: from}) }, vrrp.Backup},
	} {
		step.do()
		p.turnAll()
		if got := r.status(); got.state != step.want {
			t.Errorf("state %s (%s), want %s", got.state, got.reason, step.want)
		}
	}
}

func TestANodeThatNoRealServerAnswersLeavesTheRoleToAMasterAndToNobodyElse(t *testing.T) {
	p := newPolls(t)
	r := p.take(p.add(plainInstance()), fitness{yield: "no real server answers"})
	if got := r.machine.State(); got != vrrp.Backup {
		t.Fatalf("state %s with nobody else there, want BACKUP", got)
	}
	r.receive(advertOf(t, 110, 5))
	p.turnAll()
	if got := r.status(); got.state != vrrp.Faulty || !strings.Contains(got.reason, "no real server answers") {
		t.Fatalf("state %s (%s) below a MASTER, want FAULT", got.state, got.reason)
	}
	if want := time.Now().Add(3 * time.Second); r.yieldsUntil.After(want) || r.yieldsUntil.Before(want.Add(-time.Second)) {
		t.Errorf("yields until %s, want about %s: three adverts", r.yieldsUntil, want)
	}
	before := r.yieldsUntil
	r.receive(advertOf(t, 110, 5)) // from the same one
	if !r.yieldsUntil.After(before) {
		t.Error("another advert of the MASTER did not make it yield for longer")
	}
	r.masterUntil, r.yieldsUntil = time.Now(), time.Now() // its last advert was long ago
	p.turnAll()
	if got := r.machine.State(); got != vrrp.Backup {
		t.Errorf("state %s after the MASTER fell silent, want BACKUP: the address must live somewhere", got)
	}
}

// Who offers the role is perhaps one of two that a split has made MASTER, and the other one serves.
func TestAMasterDrawsClientsToItselfOnlyWhileItWantsTheRole(t *testing.T) {
	p, instance := newPolls(t), plainInstance()
	instance.GARP.MasterRepeat = 1
	r := p.add(instance)
	r.gates = &lease{left: 2 * time.Second} // of an earlier process: it is MASTER at once
	announced := 0
	r.announce = func(all []announcement) { announced += len(all) }
	p.take(r, fitness{})
	if got := r.machine.State(); got != vrrp.Master {
		t.Fatalf("state %s, want MASTER", got)
	}
	for n, step := range []struct {
		do   func()
		want bool
	}{
		{r.reunite, true},
		{func() { r.fit(fitness{weight: -4}) }, false},
		{func() { r.fit(fitness{weight: lowest}) }, false},
		{r.reunite, false},
		{func() { r.fit(fitness{weight: -4}) }, true}, // nobody has taken it
		{func() { r.fit(fitness{}) }, false},
	} {
		announced = 0
		step.do()
		p.turnAll()
		if got := announced > 0; got != step.want {
			t.Errorf("step %d: %d announcements, want any: %t", n, announced, step.want)
		}
	}
}

func TestDropsAreCountedByReasonAndTheFirstOfEachIsLogged(t *testing.T) {
	p := newPolls(t)
	r := p.add(plainInstance())
	for _, reason := range []vrrp.DropReason{vrrp.DropTTL, vrrp.DropTTL, vrrp.DropPassword, vrrp.DropOwn} {
		r.do(vrrp.Drop{Reason: reason, Source: netip.MustParseAddr("192.168.100.9")})
	}
	got := r.status().dropped
	want := noDrops() // the others are there, at zero
	want[vrrp.DropTTL], want[vrrp.DropPassword], want[vrrp.DropOwn] = 2, 1, 1
	if len(got) != len(vrrp.DropReasons())+1 || !reflect.DeepEqual(got, want) {
		t.Errorf("counted %v, want %v", got, want)
	}
	lines := strings.Split(strings.TrimSpace(p.log.String()), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], "reason=ttl") || !strings.Contains(lines[1], "reason=password") {
		t.Errorf("logged\n%s\nwant the first of ttl and of password; one's own advert is no news", p.log.String())
	}
	got[vrrp.DropTTL] = 99
	if n := r.status().dropped[vrrp.DropTTL]; n != 2 {
		t.Errorf("the count is now %d: a status shares memory with the router", n)
	}
}

func TestOnlyAdvertsOfTheOwnVirtualRouterAreCounted(t *testing.T) {
	p := newPolls(t)
	r := p.take(p.add(plainInstance()), fitness{})
	for _, by := range []routerKey{
		{absent, 110, false}, {absent, 120, false}, {"enp2s0", 110, false}, {absent, 110, true},
	} {
		p.hear(heard{by, advertOf(t, by.vrid, 12)})
	}
	if got := r.status(); got.received != 1 || got.master != netip.MustParseAddr("192.168.100.212") {
		t.Errorf("%d counted, the MASTER is %v, want 1 and its sender", got.received, got.master)
	}
}

func TestScriptsAreToldOfInstancesAndOfGroupsOnceAllMembersAreThere(t *testing.T) {
	p := newPolls(t)
	one, two := plainInstance(), plainInstance()
	one.Name, two.Name, two.VirtualRouterID = "ONE", "TWO", 111
	a, b := p.add(one), p.add(two)
	p.follow([]set{{"BOTH", []*router{a, b}}})
	for _, r := range []*router{a, b} {
		r.gates = &lease{left: time.Second}
		p.take(r, fitness{})
	}
	a.fit(fitness{fault: "down"})
	p.turnAll()
	a.fit(fitness{})
	p.turnAll()
	for _, r := range []*router{a, b} {
		p.stop([]*router{r}, r == b)
		p.turnAll()
	}
	want := []string{
		"INSTANCE ONE MASTER", "INSTANCE TWO MASTER", "GROUP BOTH MASTER", "INSTANCE ONE FAULT", "INSTANCE TWO FAULT",
		"GROUP BOTH FAULT", "INSTANCE ONE BACKUP", "INSTANCE TWO BACKUP", "GROUP BOTH BACKUP", "INSTANCE ONE STOP",
		"GROUP BOTH STOP",
	} // TWO is deleted, of which the controller tells
	if !slices.Equal(p.news, want) {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(p.news, "\n"), strings.Join(want, "\n"))
	}
}

func TestASyncGroupThatStopsInFaultTellsNothingElseThanItsStop(t *testing.T) {
	p := newPolls(t)
	one, two := plainInstance(), plainInstance()
	one.Name, two.Name, two.VirtualRouterID = "ONE", "TWO", 111
	a, b := p.add(one), p.add(two)
	p.follow([]set{{"BOTH", []*router{a, b}}})
	p.take(a, fitness{fault: "down"})
	p.take(b, fitness{})
	p.news = nil
	p.stop([]*router{a, b}, false)
	p.turnAll()
	p.turnAll() // they have left
	if want := []string{"INSTANCE ONE STOP", "INSTANCE TWO STOP", "GROUP BOTH STOP"}; !slices.Equal(p.news, want) {
		t.Errorf("told %q, want %q", p.news, want)
	}
}

func TestAReloadThatTakesTheFaultOutOfAGroupLetsTheRestRecover(t *testing.T) {
	p := newPolls(t)
	one, two := plainInstance(), plainInstance()
	one.Name, two.Name, two.VirtualRouterID = "ONE", "TWO", 111
	a, b := p.add(one), p.add(two)
	p.follow([]set{{"BOTH", []*router{a, b}}})
	p.take(a, fitness{fault: "down"})
	p.take(b, fitness{})
	if got := b.machine.State(); got != vrrp.Faulty {
		t.Fatalf("state %s beside the fault", got)
	}
	p.follow([]set{{"", []*router{a}}, {"BOTH", []*router{b}}})
	p.turnAll()
	if got := b.machine.State(); got != vrrp.Backup {
		t.Errorf("state %s without it, want BACKUP", got)
	}
}

func TestAReloadThatChangesGroupsKeepsStates(t *testing.T) {
	p := newPolls(t)
	one, two := plainInstance(), plainInstance()
	one.Name, two.Name, two.VirtualRouterID = "ONE", "TWO", 111
	a, b := p.add(one), p.add(two)
	for _, r := range []*router{a, b} {
		r.gates = &lease{left: time.Second}
		p.take(r, fitness{})
	}
	for _, sets := range [][]set{
		{{"BOTH", []*router{a, b}}}, {{"", []*router{a}}, {"", []*router{b}}}, {{"OTHER", []*router{b, a}}},
	} {
		p.follow(sets)
		p.turnAll()
		if len(p.groups) != len(sets) || a.status().state != vrrp.Master || b.status().state != vrrp.Master {
			t.Errorf("%d groups, states %s and %s, want %d and MASTER", len(p.groups), a.status().state, b.status().state, len(sets))
		}
	}
}
