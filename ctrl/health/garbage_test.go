package health

import (
	"runtime/debug"
	"testing"
)

func TestGarbageHasTheMoreRoomTheLessIsInUse(t *testing.T) {
	for name, test := range map[string]struct {
		inUse uint64
		want  int
	}{
		"nothing":                             {0, mostPercent},
		"a few checks":                        {4 << 20, mostPercent},
		"thousands of checks":                 {28 << 20, 400},
		"as much as there is room":            {room, leastPercent},
		"more, which has the room of default": {2 << 30, leastPercent},
	} {
		if got := percentOf(test.inUse); got != test.want {
			t.Errorf("%s: %d %%, want %d %%", name, got, test.want)
		}
	}
}

func TestTuneSetsWhatTheRuntimeGoesBy(t *testing.T) {
	before := debug.SetGCPercent(100)
	defer debug.SetGCPercent(before)
	var c Collector
	c.Tune()
	if got := debug.SetGCPercent(100); got != c.percent || got < leastPercent || got > mostPercent {
		t.Errorf("the runtime goes by %d %%, want %d %%", got, c.percent)
	}
}
