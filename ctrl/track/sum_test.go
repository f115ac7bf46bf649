package track

import "testing"

func TestSum(t *testing.T) {
	script := func(state State, weight int, reverse bool) Entry {
		r := Result{Kind: Script, Name: "s", State: state}
		if state == Down {
			r.Reason = "exited with status 1"
		}
		return Entry{r, weight, reverse}
	}
	file := func(value, weight int, reverse bool) Entry {
		return Entry{Result{Kind: File, Name: "f", State: Up, Value: value}, weight, reverse}
	}
	for name, test := range map[string]struct {
		tracked []Entry
		weight  int
		fault   string
	}{
		"nothing tracked changes nothing":                   {nil, 0, ""},
		"a positive weight counts while up":                 {[]Entry{script(Up, 10, false)}, 10, ""},
		"a positive weight does not count while down":       {[]Entry{script(Down, 10, false)}, 0, ""},
		"a negative weight counts while down":               {[]Entry{script(Down, -10, false)}, -10, ""},
		"a negative weight does not count while up":         {[]Entry{script(Up, -10, false)}, 0, ""},
		"a reversed positive weight is subtracted while up": {[]Entry{script(Up, 10, true)}, -10, ""},
		"a reversed negative weight is added while down":    {[]Entry{script(Down, -10, true)}, 10, ""},
		"a weight that has not answered does not count": {
			[]Entry{script(Unknown, 10, false), script(Unknown, -10, false)}, 0, "",
		},
		"a condition that is met": {[]Entry{script(Up, 0, false)}, 0, ""},
		"a condition that is not met is a fault": {
			[]Entry{script(Down, 0, false)}, 0, "track_script s is down: exited with status 1",
		},
		"a reversed condition is a fault while up": {[]Entry{script(Up, 0, true)}, 0, "track_script s is up"},
		"a reversed condition is met while down":   {[]Entry{script(Down, 0, true)}, 0, ""},
		"a condition that has not answered is a fault": {
			[]Entry{script(Unknown, 0, false)}, 0, "track_script s has not answered yet",
		},
		"reversed or not":                      {[]Entry{script(Unknown, 0, true)}, 0, "track_script s has not answered yet"},
		"a file counts as often as its weight": {[]Entry{file(-7, 3, false)}, -21, ""},
		"a reversed file counts against it":    {[]Entry{file(7, 3, true)}, -21, ""},
		"a file counts 253 at most":            {[]Entry{file(300, 1, false)}, 253, ""},
		"a file of -253 is no fault yet":       {[]Entry{file(-253, 1, false)}, -253, ""},
		"a file of less is a fault": {
			[]Entry{file(-127, 2, false)}, 0, "track_file f is -127, times weight 2 below -253",
		},
		"the largest numbers do not overflow": {
			[]Entry{file(-1<<31, 1<<31-1, false)}, 0, "track_file f is -2147483648, times weight 2147483647 below -253",
		},
		"a file with weight 0 is a condition: 0 is well":         {[]Entry{file(0, 0, false)}, 0, ""},
		"a file with weight 0 is a condition: all else is not":   {[]Entry{file(2, 0, false)}, 0, "track_file f is 2"},
		"a reversed file with weight 0 is a condition: not 0":    {[]Entry{file(2, 0, true)}, 0, ""},
		"a reversed file with weight 0 is a condition: 0 is not": {[]Entry{file(0, 0, true)}, 0, "track_file f is 0"},
		"weights add up, the first fault is named": {
			[]Entry{script(Up, 10, false), file(-3, 1, false), file(1, 0, false), script(Down, 0, false)}, 7, "track_file f is 1",
		},
	} {
		t.Run(name, func(t *testing.T) {
			weight, fault := Sum(test.tracked)
			if weight != test.weight || fault != test.fault {
				t.Errorf("Sum: %d, %q, want %d, %q", weight, fault, test.weight, test.fault)
			}
		})
	}
}

func TestPendingNamesTheFirstConditionThatHasNotAnswered(t *testing.T) {
	tracked := []Entry{
		{Result{Kind: Script, Name: "weighted"}, 5, false},
		{Result{Kind: Script, Name: "up", State: Up}, 0, false},
		{Result{Kind: Process, Name: "p"}, 0, false},
	}
	if got, want := Pending(tracked), "track_process p"; got != want {
		t.Errorf("Pending: %q, want %q", got, want)
	}
	if got := Pending(tracked[:2]); got != "" {
		t.Errorf("Pending: %q, want nothing: weights do not hold an instance back", got)
	}
}
