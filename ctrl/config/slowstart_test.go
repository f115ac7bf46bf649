package config

import (
	"testing"
	"time"
)

func TestSlowStart(t *testing.T) {
	for _, test := range []struct {
		name, lines string
		want        time.Duration
	}{
		{"is off by default", "", 0},
		{"is as long as written", "slow_start 1", time.Second},
		{"lasts a day at most", "slow_start 86400", 24 * time.Hour},
		{"may be written to be off", "slow_start 0", 0},
		{"is for ovf as well", "lb_algo ovf\nslow_start 60", time.Minute},
		{"is for lc as well", "lb_algo lc\nslow_start 60", time.Minute},
		{"is off under sh", "lb_algo sh\nslow_start 60", 0},
		{"is off under mh", "slow_start 60\nlb_algo mh", 0},
		{"is off under dh", "lb_algo dh\nslow_start 60", 0},
		{"is off under fo", "lb_algo fo\nslow_start 60", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := loadService(t, service("10.0.0.1 53", test.lines)).SlowStart; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}
