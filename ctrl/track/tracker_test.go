package track

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stage runs a tracker whose scripts the test plays, and writes down what happens and when.
type stage struct {
	*Tracker
	begun time.Time

	mu     sync.Mutex
	play   map[string]func(ctx context.Context) error // by command
	events []string
}

func newStage() *stage {
	s := &stage{begun: time.Now(), play: make(map[string]func(context.Context) error)}
	s.Tracker = New(Config{
		Run: s.run,
		Report: func(r Result) {
			s.note(strings.TrimSuffix(fmt.Sprintf("%s %s (%s)", r.Name, r.State, r.Reason), " ()"))
		},
		Log: slog.New(slog.DiscardHandler),
	})
	return s
}

func (s *stage) note(event string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events = append(s.events, fmt.Sprintf("%v %s", time.Since(s.begun), event))
}

func (s *stage) run(ctx context.Context, command []string, _, _ string) error {
	s.note("run " + strings.Join(command, " "))
	s.mu.Lock()
	play := s.play[command[0]]
	s.mu.Unlock()
	if play == nil {
		return nil
	}
	return play(ctx)
}

// plays sets how a script ends from now on.
func (s *stage) plays(command string, how func(context.Context) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.play[command] = how
}

// expect compares what has happened since the last time, whatever the order of one moment's events is.
func (s *stage) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.Sort(want)
	got := slices.Sorted(slices.Values(s.events))
	if !slices.Equal(got, want) {
		t.Errorf("happened\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	s.events = nil
}

func (s *stage) update(t *testing.T, scripts ...ScriptOptions) {
	t.Helper()
	if err := s.Update(Options{Scripts: scripts}); err != nil {
		t.Fatal(err)
	}
}

func fails(context.Context) error { return &exec.ExitError{} }

// until ends only with its context, and takes so long for it.
func until(end time.Duration) func(ctx context.Context) error {
	return func(ctx context.Context) error {
		<-ctx.Done()
		time.Sleep(end)
		return context.Cause(ctx)
	}
}

// takes ends well after so long.
func takes(duration time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		time.Sleep(duration)
		return nil
	}
}

func script(name string) ScriptOptions {
	return ScriptOptions{Name: name, Command: []string{name}, Interval: 2 * time.Second, Rise: 1, Fall: 1}
}

func TestAScriptIsRunEveryIntervalAndOnlyChangesAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		defer s.Close()
		s.update(t, script("a"))
		time.Sleep(5 * time.Second)
		s.expect(t, "0s run a", "0s a up", "2s run a", "4s run a")
		s.plays("a", fails)
		time.Sleep(4 * time.Second)
		s.expect(t, "6s run a", "6s a down (<nil>)", "8s run a")
	})
}

func TestAScriptThatTakesTooLongHasFailedAtThatMoment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		defer s.Close()
		s.plays("a", until(1500*time.Millisecond)) // which ends when the third is due
		o := script("a")
		o.Interval, o.Timeout = time.Second, 500*time.Millisecond
		s.update(t, o)
		time.Sleep(2900 * time.Millisecond)
		s.expect(t, "0s run a", "500ms a down (timed out after 500ms)")
		s.plays("a", nil)
		time.Sleep(200 * time.Millisecond)
		s.expect(t, "3s run a", "3s a up")
	})
}

func TestATimeoutCountsEvenIfTheScriptThenEndsWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		defer s.Close()
		s.plays("a", func(ctx context.Context) error { <-ctx.Done(); return nil })
		s.update(t, script("a"))
		time.Sleep(3 * time.Second)
		s.expect(t, "0s run a", "2s a down (timed out after 2s)")
	})
}

func TestARunThatOutlastsTheIntervalMissesThatStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		defer s.Close()
		s.plays("a", takes(2500*time.Millisecond))
		o := script("a")
		o.Timeout = 3 * time.Second
		s.update(t, o)
		time.Sleep(5 * time.Second)
		s.expect(t, "0s run a", "2.5s a up", "4s run a")
	})
}

func TestInitFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		defer s.Close()
		o := script("a")
		o.InitFail, o.Rise = true, 3
		s.update(t, o)
		time.Sleep(5 * time.Second)
		s.expect(t, "0s a down (init_fail)", "0s run a", "2s run a", "4s run a", "4s a up")
	})
}

func TestAScriptThatCannotBeRunSaysNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		defer s.Close()
		broken := func(context.Context) error { return errors.New("no such file") }
		s.plays("fresh", broken)
		s.plays("bad", fails)
		s.update(t, script("fresh"), script("bad"))
		time.Sleep(time.Second)
		s.expect(t, "0s run fresh", "0s fresh up", "0s run bad", "0s bad down (<nil>)")
		s.plays("bad", broken)
		time.Sleep(2 * time.Second)
		s.expect(t, "2s run fresh", "2s run bad")
	})
}

func TestUpdateLeavesAloneWhatIsUnchanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		defer s.Close()
		s.plays("gone", fails)
		s.update(t, script("kept"), script("changed"), script("gone"))
		time.Sleep(time.Second)
		s.expect(t, "0s run kept", "0s kept up", "0s run changed", "0s changed up", "0s run gone", "0s gone down (<nil>)")

		changed := script("changed")
		changed.Command = []string{"other"}
		changed.Fall = 2
		s.plays("other", fails)
		s.update(t, script("kept"), changed, script("new"))
		time.Sleep(1500 * time.Millisecond)
		s.expect(t, "1s run other", "1s run new", "1s new up", "2s run kept")
		time.Sleep(time.Second)
		s.expect(t, "3s run other", "3s changed down (<nil>)", "3s run new")
		if got := len(s.Results()); got != 3 {
			t.Errorf("%d results, want those of the three", got)
		}
	})
}

func TestAChangedScriptNeverRunsBesideItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		defer s.Close()
		s.plays("a", until(time.Second))
		s.update(t, script("a"))
		synctest.Wait()
		o := script("a")
		o.Fall = 2
		s.update(t, o) // does not wait
		s.expect(t, "0s run a")
		s.plays("a", nil)
		time.Sleep(1500 * time.Millisecond)
		s.expect(t, "1s run a", "1s a up")
	})
}

func TestWhatIsRemovedIsNotReportedOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage()
		s.plays("a", until(time.Second))
		s.update(t, script("a"))
		synctest.Wait()
		s.update(t)
		s.expect(t, "0s run a")
		begun := time.Now()
		s.Close()
		if took := time.Since(begun); took != time.Second {
			t.Errorf("Close took %v, want the second that the script takes to end", took)
		}
		s.expect(t)
	})
}

func TestOptionsOutOfRange(t *testing.T) {
	for name, test := range map[string]struct {
		options Options
		want    string
	}{
		"no command":  {Options{Scripts: []ScriptOptions{{Name: "s"}}}, "track_script s: there is no script to run"},
		"no interval": {Options{Scripts: []ScriptOptions{{Name: "s", Command: []string{"x"}}}}, "track_script s: interval 0s is not above 0"},
		"no rise": {
			Options{Scripts: []ScriptOptions{{Name: "s", Command: []string{"x"}, Interval: 1, Fall: 1}}},
			"track_script s: rise 0 or fall 1 is below 1",
		},
		"no path": {Options{Files: []FileOptions{{Name: "f"}}}, "track_file f: there is no file to read"},
		"no number fits": {
			Options{Processes: []ProcessOptions{{Name: "p", Command: []string{"x"}, Minimum: 2, Maximum: 1}}},
			"track_process p: no number of processes is both at least 2 (quorum) and at most 1 (quorum_max)",
		},
		"twice": {Options{Scripts: []ScriptOptions{script("a"), script("a")}}, "track_script a occurs twice"},
	} {
		t.Run(name, func(t *testing.T) {
			tracker := New(Config{})
			defer tracker.Close()
			if err := tracker.Update(test.options); err == nil || err.Error() != test.want {
				t.Errorf("Update: %v, want %s", err, test.want)
			}
			if got := tracker.Results(); len(got) != 0 {
				t.Errorf("it watches %v", got)
			}
		})
	}
}
