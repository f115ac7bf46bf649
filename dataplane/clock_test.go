package dataplane

import (
	"testing"
	"time"
)

func TestTimesBecomeJiffies(t *testing.T) {
	for _, c := range []struct {
		time time.Duration
		hz   uint64
		want uint64
	}{
		{time.Second, 100, 100}, {time.Second, 250, 250}, {time.Second, 1000, 1000},
		{40 * time.Millisecond, 100, 4}, {30 * time.Millisecond, 250, 7}, {time.Millisecond, 250, 0},
		{24 * time.Hour, 1000, 86_400_000}, {0, 250, 0}, {-time.Second, 250, 0},
	} {
		if got := toJiffies(c.time, c.hz); got != c.want {
			t.Errorf("%v is %d jiffies of %d a second, want %d", c.time, got, c.hz, c.want)
		}
	}
}

func TestJiffiesBecomeTimes(t *testing.T) {
	for _, c := range []struct {
		jiffies int64
		hz      uint64
		want    time.Duration
	}{
		{250, 250, time.Second}, {-250, 250, -time.Second}, {1, 1000, time.Millisecond}, {0, 100, 0},
		{86_400_000, 1000, 24 * time.Hour},
	} {
		if got := fromJiffies(c.jiffies, c.hz); got != c.want {
			t.Errorf("%d jiffies of %d a second are %v, want %v", c.jiffies, c.hz, got, c.want)
		}
	}
}

func TestTheClockIsTheKernels(t *testing.T) {
	p := openPlane(t, Options{})
	before, err := p.clock()
	must(t, err)
	eventually(t, "the clock ticks", func() bool {
		now, err := p.clock()
		must(t, err)
		return now.now > before.now
	})
}
