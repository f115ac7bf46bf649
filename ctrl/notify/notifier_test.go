package notify

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// stage is a notifier whose scripts the test plays; it writes down what is run and when.
type stage struct {
	*Notifier
	begun time.Time

	mu   sync.Mutex
	play map[string]func(context.Context) error // by command
	runs []string
}

func newStage(t *testing.T, subjects ...Subject) *stage {
	t.Helper()
	s := &stage{begun: time.Now(), play: make(map[string]func(context.Context) error)}
	s.Notifier = New(s.run, slog.New(slog.DiscardHandler))
	scripts := make(map[Subject]Scripts)
	for _, subject := range subjects {
		scripts[subject] = Scripts{
			Master: &Script{Command: []string{"master"}}, Backup: &Script{Command: []string{"backup"}},
			Stop: &Script{Command: []string{"stop"}}, Any: &Script{Command: []string{"any"}},
		}
	}
	if err := s.Update(Options{Scripts: scripts}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *stage) run(ctx context.Context, command []string, _, _ string) error {
	s.mu.Lock()
	s.runs = append(s.runs, fmt.Sprintf("%v %s", time.Since(s.begun), strings.Join(command, " ")))
	play := s.play[command[0]]
	s.mu.Unlock()
	if play == nil {
		return nil
	}
	return play(ctx)
}

func (s *stage) expect(t *testing.T, want ...string) {
	t.Helper()
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Equal(s.runs, want) {
		t.Errorf("ran\n%s\nwant\n%s", strings.Join(s.runs, "\n"), strings.Join(want, "\n"))
	}
	s.runs = nil
}

func (s *stage) close(t *testing.T, limit time.Duration) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	return s.Close(ctx)
}

// takes is a script that ends well after so long, or with its context.
func takes(duration time.Duration) func(context.Context) error {
	return func(ctx context.Context) error {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(duration):
			return nil
		}
	}
}

var vi, other = Subject{Instance, "VI_1"}, Subject{Group, "VG_1"}

func TestScriptsOfOneSubjectRunOneAtATimeInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, vi)
		s.play["master"] = takes(3 * time.Second)
		s.Notify(Event{vi, Master, 100})
		s.Notify(Event{vi, Backup, 100})
		s.expect(t, "0s master")
		time.Sleep(time.Minute)
		s.expect(t, "3s any INSTANCE VI_1 MASTER 100", "3s backup", "3s any INSTANCE VI_1 BACKUP 100")
		if err := s.close(t, time.Second); err != nil {
			t.Error(err)
		}
	})
}

func TestSubjectsDoNotWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, vi, other)
		s.play["master"] = takes(time.Hour)
		s.Notify(Event{vi, Master, 100})
		synctest.Wait()
		s.Notify(Event{other, Backup, 100})
		s.expect(t, "0s master", "0s backup", "0s any GROUP VG_1 BACKUP 0")
		_ = s.close(t, 0)
	})
}

func TestAScriptMayTakeItsTimeUntilAnotherHasWaitedLongEnough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t)
		err := s.Update(Options{Scripts: map[Subject]Scripts{
			vi: {Master: &Script{Command: []string{"master"}}, Backup: &Script{Command: []string{"backup"}}},
		}})
		if err != nil {
			t.Fatal(err)
		}
		s.play["master"] = takes(24 * time.Hour)
		s.Notify(Event{vi, Master, 100})
		time.Sleep(time.Hour)
		s.Notify(Event{vi, Backup, 100})
		time.Sleep(patience - time.Second)
		s.expect(t, "0s master")
		time.Sleep(2 * time.Second)
		s.expect(t, "1h0m30s backup")
		if got, want := s.Counts(), (Counts{Events: 2, Scripts: 2, Failed: 1, Cut: 1}); got != want {
			t.Errorf("counts %+v, want %+v", got, want)
		}
		if err := s.close(t, time.Second); err != nil {
			t.Error(err)
		}
	})
}

func TestMoreEventsThanScriptsCanFollowEndWithTheLatest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, vi)
		s.play["backup"] = takes(time.Second)
		s.Notify(Event{vi, Backup, 0})
		synctest.Wait()
		const flaps = 100
		for i := range flaps {
			s.Notify(Event{vi, Master, uint8(i + 1)})
		}
		time.Sleep(time.Minute)
		s.mu.Lock()
		last := s.runs[len(s.runs)-1]
		s.mu.Unlock()
		if want := "1s any INSTANCE VI_1 MASTER 100"; last != want {
			t.Errorf("the last script is %s, want %s", last, want)
		}
		if got := s.Counts().Passed; got < flaps-mostWaiting {
			t.Errorf("%d events are passed over, want all but %d", got, mostWaiting)
		}
		if err := s.close(t, time.Second); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseRunsTheStopScriptsToTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, vi)
		s.play["backup"] = takes(time.Hour) // has a second more
		s.play["stop"] = takes(2 * time.Second)
		s.Notify(Event{vi, Backup, 100})
		synctest.Wait()
		s.Notify(Event{vi, Stop, 100})
		if err := s.close(t, 10*time.Second); err != nil {
			t.Error(err)
		}
		s.expect(t, "0s backup", "1s any INSTANCE VI_1 BACKUP 100", "1s stop", "3s any INSTANCE VI_1 STOP 100")
		s.Notify(Event{vi, Master, 100})
		s.expect(t)
		if err := s.close(t, time.Second); !errors.Is(err, errClosed) {
			t.Errorf("a second Close: %v, want %v", err, errClosed)
		}
	})
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, vi)
		s.play["stop"] = takes(time.Hour)
		s.Notify(Event{vi, Stop, 100})
		begun := time.Now()
		err := s.close(t, 5*time.Second)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v, want %v", err, context.DeadlineExceeded)
		}
		if took := time.Since(begun); took != 5*time.Second {
			t.Errorf("Close took %v, want the 5 s of its context", took)
		}
		s.expect(t, "0s stop") // what waited is not run
	})
}

func TestNothingIsRunForWhoHasNoScripts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, vi)
		s.Notify(Event{other, Master, 100})
		s.expect(t)
		if err := s.close(t, time.Second); err != nil {
			t.Error(err)
		}
	})
}
