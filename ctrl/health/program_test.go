package health

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"testing/synctest"
	"time"
)

// exited is what a Runner says of a program that exited with this status.
type exited int

func (e exited) Error() string { return fmt.Sprintf("exited with status %d", int(e)) }
func (e exited) ExitCode() int { return int(e) }

// signaled is what it says of one that a signal ended.
const signaled exited = -1

// runner is programs in memory: one takes its time, or ends when the context does.
type runner struct {
	takes time.Duration
	err   error
	asked []string
}

func (r *runner) Run(ctx context.Context, command []string, user, group string) error {
	r.asked = append([]string{user, group}, command...)
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(r.takes):
		return r.err
	}
}

func TestMisc(t *testing.T) {
	tests := []struct {
		name    string
		dynamic bool
		err     error
		takes   time.Duration
		weight  Weight
		want    string // empty: healthy
		asked   bool
	}{
		{"0 is healthy", false, nil, 0, Weight{}, "", true},
		{"1 is not", false, exited(1), 0, Weight{}, "/check: exited with status 1", true},
		{"17 is not", false, exited(17), 0, Weight{}, "/check: exited with status 17", true},
		{"with misc_dynamic 0 leaves the weight", true, nil, 0, Weight{}, "", true},
		{"with misc_dynamic 1 is not healthy", true, exited(1), 0, Weight{}, "/check: exited with status 1", true},
		{"with misc_dynamic 2 is weight 0", true, exited(2), 0, Weight{SetWeight, 0}, "", true},
		{"with misc_dynamic 255 is weight 253", true, exited(255), 0, Weight{SetWeight, 253}, "", true},
		{"a signal", true, signaled, 0, Weight{}, "/check: exited with status -1", true},
		{"too long", true, nil, time.Hour, Weight{}, "/check: timed out after 5s", true},
		{"what is not there says nothing of the server", true, fs.ErrNotExist, 0, Weight{}, "not asked: file does not exist", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				programs := &runner{takes: test.takes, err: test.err}
				probe, err := Misc(MiscSettings{
					Runner: programs, Command: []string{"/check", "a"}, Timeout: 5 * second, Dynamic: test.dynamic, User: "nobody", Group: "web",
				})
				if err != nil {
					t.Fatal(err)
				}
				start := time.Now()
				answer := probe(t.Context(), Target{})
				wantError(t, answer.Err, test.want)
				if answer.Weight != test.weight {
					t.Errorf("weight %+v, want %+v", answer.Weight, test.weight)
				}
				if errors.Is(answer.Err, ErrNotAsked) == test.asked {
					t.Errorf("%v says something of the server: %v, want %v", answer.Err, !test.asked, test.asked)
				}
				if took := time.Since(start); took > 5*second {
					t.Errorf("took %v", took)
				}
				if got := fmt.Sprint(programs.asked); got != "[nobody web /check a]" {
					t.Errorf("runs %s", got)
				}
			})
		})
	}
}

func TestMiscSettingsOutOfRangeAreRefused(t *testing.T) {
	_, err := Misc(MiscSettings{Command: []string{"a"}, Timeout: second})
	wantError(t, err, "nothing to run programs with")
	_, err = Misc(MiscSettings{Runner: &runner{}, Timeout: second})
	wantError(t, err, "no program to run")
	_, err = Misc(MiscSettings{Runner: &runner{}, Command: []string{"a"}})
	wantError(t, err, "0s is not above 0")
}

// files are tracked files that have been looked at.
type files map[string]int

func (f files) Value(name string) (int, bool) {
	value, known := f[name]
	return value, known
}

func TestFile(t *testing.T) {
	tests := []struct {
		name    string
		weight  int
		reverse bool
		value   int
		added   Weight
		want    string // empty: healthy
	}{
		{"without a weight 0 is healthy", 0, false, 0, Weight{}, ""},
		{"and another number is not", 0, false, 3, Weight{}, "file maintenance holds 3"},
		{"nor a negative one", 0, false, -3, Weight{}, "file maintenance holds -3"},
		{"in reverse 0 is not healthy", 0, true, 0, Weight{}, "file maintenance holds 0"},
		{"and another number is", 0, true, 3, Weight{}, ""},
		{"a weight adds", 2, false, 10, Weight{AddWeight, 20}, ""},
		{"a weight takes", 2, false, -10, Weight{AddWeight, -20}, ""},
		{"in reverse it turns round", 2, true, 10, Weight{AddWeight, -20}, ""},
		{"a weight times 0 adds nothing", 2, false, 0, Weight{AddWeight, 0}, ""},
		{"keepalived's mark of a fault", 2, false, -1 << 30, Weight{}, "file maintenance holds -1073741824, which makes a weight of -2147483648"},
		{"more than there can be", 1 << 30, false, 1 << 30, Weight{AddWeight, 1<<31 - 1}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			probe, err := File(FileSettings{Values: files{"maintenance": test.value}, Name: "maintenance", Weight: test.weight, Reverse: test.reverse})
			if err != nil {
				t.Fatal(err)
			}
			answer := probe(t.Context(), Target{})
			wantError(t, answer.Err, test.want)
			if answer.Weight != test.added {
				t.Errorf("weight %+v, want %+v", answer.Weight, test.added)
			}
		})
	}
}

func TestAFileThatHasNotBeenReadSaysNothing(t *testing.T) {
	probe, err := File(FileSettings{Values: files{}, Name: "maintenance"})
	if err != nil {
		t.Fatal(err)
	}
	if err := probe(t.Context(), Target{}).Err; !errors.Is(err, ErrNotAsked) {
		t.Errorf("says %v", err)
	}
	_, err = File(FileSettings{Name: "maintenance"})
	wantError(t, err, "no files to look at")
	_, err = File(FileSettings{Values: files{}})
	wantError(t, err, "no file to look at")
}
