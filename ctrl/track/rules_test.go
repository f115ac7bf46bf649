package track

import (
	"strings"
	"testing"
	"time"
)

// A run is a letter: p passes, f fails. The state after it is u or d.
func TestThreshold(t *testing.T) {
	for name, test := range map[string]struct {
		rise, fall   int
		state        State
		runs, states string
	}{
		"the first run decides alone, if it passes": {3, 3, Unknown, "p", "u"},
		"the first run decides alone, if it fails":  {3, 3, Unknown, "f", "d"},
		"fall failures in a row make it down":       {1, 3, Up, "fffp", "uudu"},
		"a pass in between starts the count anew":   {1, 3, Up, "ffpfff", "uuuuud"},
		"rise passes in a row make it up":           {3, 1, Down, "pppf", "ddud"},
		"a failure in between starts it anew":       {3, 1, Down, "ppfppp", "dddddu"},
		"1 and 1 follow each run":                   {1, 1, Unknown, "pfpf", "udud"},
	} {
		t.Run(name, func(t *testing.T) {
			th := threshold{rise: test.rise, fall: test.fall, state: test.state}
			var states strings.Builder
			for _, run := range test.runs {
				states.WriteString(th.observe(run == 'p').String()[:1])
			}
			if states.String() != test.states {
				t.Errorf("states %s, want %s", states.String(), test.states)
			}
		})
	}
}

func TestQuorum(t *testing.T) {
	type look struct {
		at    int // seconds
		count int
		want  State
		due   int // seconds, 0 for none
	}
	for name, test := range map[string]struct {
		quorum quorum
		looks  []look
	}{
		"without delays it follows the count": {
			quorum{minimum: 1, maximum: 2},
			[]look{{0, 0, Down, 0}, {1, 1, Up, 0}, {2, 3, Down, 0}, {3, 2, Up, 0}},
		},
		"the first look decides at once": {
			quorum{minimum: 1, maximum: 9, forkDelay: 5 * time.Second, terminateDelay: 5 * time.Second},
			[]look{{0, 1, Up, 0}},
		},
		"a loss counts after terminate_delay": {
			quorum{minimum: 1, maximum: 9, terminateDelay: 5 * time.Second},
			[]look{{0, 1, Up, 0}, {1, 0, Up, 6}, {5, 0, Up, 6}, {6, 0, Down, 0}},
		},
		"a loss that is made good in time never counts": {
			quorum{minimum: 1, maximum: 9, terminateDelay: 5 * time.Second},
			[]look{{0, 1, Up, 0}, {1, 0, Up, 6}, {2, 1, Up, 0}, {3, 0, Up, 8}},
		},
		"a gain counts after fork_delay": {
			quorum{minimum: 2, maximum: 9, forkDelay: 3 * time.Second},
			[]look{{0, 1, Down, 0}, {1, 2, Down, 4}, {4, 2, Up, 0}},
		},
		"too many count as a loss after fork_delay": {
			quorum{minimum: 0, maximum: 1, forkDelay: 3 * time.Second},
			[]look{{0, 1, Up, 0}, {1, 2, Up, 4}, {4, 2, Down, 0}, {5, 1, Up, 0}},
		},
		"none may run": {
			quorum{minimum: 0, maximum: 0},
			[]look{{0, 0, Up, 0}, {1, 1, Down, 0}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Unix(1_000_000, 0)
			for _, l := range test.looks {
				state, due := test.quorum.observe(start.Add(time.Duration(l.at)*time.Second), l.count)
				seconds := 0
				if !due.IsZero() {
					seconds = int(due.Sub(start) / time.Second)
				}
				if state != l.want || seconds != l.due {
					t.Errorf("%d at %d s: %v, due at %d s, want %v, %d s", l.count, l.at, state, seconds, l.want, l.due)
				}
			}
		})
	}
}

func TestMatching(t *testing.T) {
	web := []string{"/usr/bin/web", "-c", "file"}
	for name, test := range map[string]struct {
		options   ProcessOptions
		comm      string
		arguments []string
		want      bool
	}{
		"a name":                            {ProcessOptions{Command: []string{"ssh"}}, "ssh", nil, true},
		"a name is not a beginning":         {ProcessOptions{Command: []string{"ssh"}}, "sshd", nil, false},
		"the kernel keeps 15 bytes":         {ProcessOptions{Command: []string{"0123456789abcdefgh"}}, "0123456789abcde", nil, true},
		"full_command":                      {ProcessOptions{Command: web[:1], FullCommand: true}, "web", web, true},
		"full_command is not the name":      {ProcessOptions{Command: []string{"web"}, FullCommand: true}, "web", web, false},
		"a zombie has no arguments":         {ProcessOptions{Command: web[:1], FullCommand: true}, "web", nil, false},
		"exact":                             {ProcessOptions{Command: web, Parameters: ExactParameters}, "", web, true},
		"exact, fewer":                      {ProcessOptions{Command: web, Parameters: ExactParameters}, "", web[:2], false},
		"exact, more":                       {ProcessOptions{Command: web[:2], Parameters: ExactParameters}, "", web, false},
		"exact, none wanted":                {ProcessOptions{Command: web[:1], Parameters: ExactParameters}, "", web[:1], true},
		"exact, none wanted, some there":    {ProcessOptions{Command: web[:1], Parameters: ExactParameters}, "", web, false},
		"partial, more":                     {ProcessOptions{Command: web[:2], Parameters: PartialParameters}, "", web, true},
		"partial, fewer":                    {ProcessOptions{Command: web, Parameters: PartialParameters}, "", web[:2], false},
		"partial, the last longer":          {ProcessOptions{Command: []string{web[0], "-"}, Parameters: PartialParameters}, "", web, false},
		"initial, the last longer":          {ProcessOptions{Command: []string{web[0], "-c", "fi"}, Parameters: InitialParameters}, "", web, true},
		"initial, another before the last":  {ProcessOptions{Command: []string{web[0], "-", "fi"}, Parameters: InitialParameters}, "", web, false},
		"initial, fewer":                    {ProcessOptions{Command: web, Parameters: InitialParameters}, "", web[:2], false},
		"initial, none wanted":              {ProcessOptions{Command: web[:1], Parameters: InitialParameters}, "", web, true},
		"parameters of another program":     {ProcessOptions{Command: web, Parameters: ExactParameters}, "", []string{"x", "-c", "file"}, false},
		"the name does not matter with one": {ProcessOptions{Command: web, Parameters: ExactParameters}, "other", web, true},
	} {
		t.Run(name, func(t *testing.T) {
			got := test.options.matchesName(test.comm)
			if test.options.wantsCommandLine() {
				got = test.options.matchesCommandLine(test.arguments)
			}
			if got != test.want {
				t.Errorf("matches: %v, want %v", got, test.want)
			}
		})
	}
}

// What keepalived 2.2.7 makes of such files, measured by the priority that it announces.
func TestParseNumber(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "5\n": 5, "-3": -3, "+4": 4, "0x10": 16, "0X1f": 31, "-0x10": -16, "010": 8, "abc": 0, "12junk": 12, "  8": 8,
		"\t\n 9 10": 9, "0": 0, "-": 0, "0x": 0, "0xg": 0, "089": 0, "2147483647": 1<<31 - 1, "-2147483648": -1 << 31, "1_000": 1,
	} {
		got, err := parseNumber(text)
		if err != nil || got != want {
			t.Errorf("parseNumber(%q): %d, %v, want %d", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"99999999999": "number 99999999999 is not within 32 bits",
		"-2147483649": "number -2147483649 is not within 32 bits",
	} {
		if got, err := parseNumber(text); err == nil || err.Error() != want {
			t.Errorf("parseNumber(%q): %d, %v, want %q", text, got, err, want)
		}
	}
}
