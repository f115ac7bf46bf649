package ctrl

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// Checks that fail take the role away from a node that hears nothing at all, and from no other.
func TestChecksCountForTheRoleOnlyWhereNothingIsHeard(t *testing.T) {
	type step struct {
		at      time.Duration
		frames  uint64
		check   verdict // of the second real server; that of the first one has failed
		found   bool    // both answer ARP
		offered bool
		want    reach
	}
	const second, some, none = time.Second, reachesSome, reachesNone
	passes, fails, untold := verdict{told: true, up: true}, verdict{told: true}, verdict{}
	service := servicesOf(&tutorialConfig().VirtualServers[0])[0]
	for name, steps := range map[string][]step{
		"one passes in silence":            {{0, 1, passes, true, false, some}, {8 * second, 1, passes, true, false, some}, {9 * second, 1, passes, true, false, some}},
		"one is not made yet":              {{0, 1, untold, true, false, some}, {8 * second, 1, untold, true, false, some}, {9 * second, 1, untold, true, false, some}},
		"none passes, and frames come":     {{0, 1, fails, true, false, some}, {2 * second, 2, fails, true, false, some}},
		"none passes in silence":           {{0, 1, passes, true, false, some}, {second / 4, 1, passes, true, false, some}, {second / 2, 1, fails, true, false, none}},
		"real servers have time to answer": {{0, 1, passes, true, false, some}, {9 * second, 1, fails, true, false, some}, {9*second + second/5, 1, fails, true, false, some}, {9*second + second/4, 1, fails, true, false, none}},
		"real servers answer":              {{0, 1, passes, true, false, some}, {9 * second, 1, fails, true, false, some}, {9*second + second/4, 2, fails, true, false, some}, {9*second + second/2, 2, fails, true, false, some}},
		"it hears again, and none passes":  {{0, 1, passes, true, false, some}, {2 * second, 1, passes, true, false, some}, {3 * second, 1, fails, true, false, none}, {4 * second, 2, fails, true, true, none}, {5 * second, 3, passes, true, true, some}},
		"nobody answers where frames come": {{0, 1, passes, true, false, some}, {second, 2, passes, false, false, none}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := tutorialConfig()
			k := allWell(cfg)
			var frames uint64
			c := Controller{
				known: *k, tell: newTeller(slog.New(slog.NewTextHandler(io.Discard, nil))),
				hearing: hearing{"enp1s0": stillnessOf(func() (uint64, error) { return frames, nil })},
			}
			memberOf(k, realKey{service, web0}).checks[0].up = false
			for n, s := range steps {
				frames = s.frames
				memberOf(k, realKey{service, web1}).checks[0].verdict = s.check
				for _, one := range k.neighbors {
					one.resolved = s.found
				}
				if err := c.hearing.listen(noon.Add(s.at), k, isMaster, tellNoRealServer); err != nil {
					t.Fatal(err)
				}
				c.lookAgain = time.Time{}
				if got := c.reach(noon.Add(s.at), cfg.Instances[0], s.offered); got != s.want {
					t.Errorf("step %d: it reaches %d, want %d", n, got, s.want)
				}
				if undecided := s.found && s.check == fails && s.want == some; undecided == c.lookAgain.IsZero() {
					t.Errorf("step %d: it looks again at %s", n, c.lookAgain)
				}
			}
		})
	}
}

func stillnessOf(frames func() (uint64, error)) *stillness {
	return &stillness{silence: silence{frames: frames}}
}

func isMaster(config.Instance) bool { return true }

func tellNoRealServer(string) {}

func TestOnlyAMasterHasRealServersAnswer(t *testing.T) {
	cfg := tutorialConfig()
	other := cfg.Instances[0]
	other.Name, other.VirtualRouterID = "OTHER", 111
	cfg.Instances = append([]config.Instance{other}, cfg.Instances...) // both on one interface
	k := allWell(cfg)
	for _, test := range []struct {
		masterOf string
		asked    int
	}{{"nothing", 0}, {"OTHER", 2}, {cfg.Instances[1].Name, 2}} {
		h := hearing{"enp1s0": stillnessOf(func() (uint64, error) { return 1, nil })}
		var asked []string
		for n := range 3 {
			err := h.listen(noon.Add(time.Duration(n)*listenInterval), k, func(i config.Instance) bool { return i.Name == test.masterOf },
				func(ifname string) { asked = append(asked, ifname) })
			if err != nil {
				t.Fatal(err)
			}
		}
		left, err := h.untilDeaf(noon.Add(3*listenInterval), k, cfg.Instances[1])
		if len(asked) != test.asked || (left == 0) != (test.asked > 0) || err != nil {
			t.Errorf("MASTER of %s: asked %q, deaf in %s, %v", test.masterOf, asked, left, err)
		}
	}
}

func TestANodeThatHearsClientsIsNotDeaf(t *testing.T) {
	cfg := tutorialConfig()
	k := allWell(cfg)
	places := allOn("enp1s0", cfg)
	places[0].arrivals = []string{"enp2s0"}
	k.settle(cfg, places)
	counts, failure := map[string]uint64{}, error(nil)
	h := make(hearing)
	for _, ifname := range []string{"enp1s0", "enp2s0", "unused"} {
		h[ifname] = stillnessOf(func() (uint64, error) { return counts[ifname], failure })
	}
	ask := func(at time.Duration) (string, error) {
		err := h.listen(noon.Add(at), k, isMaster, tellNoRealServer)
		left, deafErr := h.untilDeaf(noon.Add(at), k, cfg.Instances[0])
		return fmt.Sprint(left == 0), errors.Join(err, deafErr)
	}
	for n, s := range []struct {
		at              time.Duration
		adverts, client uint64
		want            string
	}{
		{0, 1, 1, "false"}, {2 * time.Second, 1, 2, "false"}, {4 * time.Second, 2, 2, "false"}, {5 * time.Second, 2, 2, "false"}, {5500 * time.Millisecond, 2, 2, "true"}, {6 * time.Second, 2, 3, "false"},
	} {
		counts["enp1s0"], counts["enp2s0"] = s.adverts, s.client
		if got, err := ask(s.at); got != s.want || err != nil {
			t.Errorf("step %d: deaf is %s, %v, want %s", n, got, err, s.want)
		}
	}
	if _, kept := h["unused"]; kept {
		t.Error("an interface that is not used is listened to")
	}
	failure = errors.New("no such file")
	if _, err := ask(9 * time.Second); !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
	h["enp1s0"] = stillnessOf(func() (uint64, error) { return 0, netif.ErrNoInterface })
	h["enp2s0"] = stillnessOf(func() (uint64, error) { return 0, netif.ErrNoInterface })
	if got, err := ask(10 * time.Second); got != "false" || err != nil {
		t.Errorf("without its interfaces: %s, %v", got, err)
	}
}
