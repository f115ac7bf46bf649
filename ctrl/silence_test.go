package ctrl

import (
	"errors"
	"testing"
	"time"

	"drover/ctrl/config"
)

func TestASilenceLastsFromWhatWasHeardLast(t *testing.T) {
	var frames uint64
	var failure error
	s := silence{frames: func() (uint64, error) { return frames, failure }}
	for n, step := range []struct {
		at     time.Duration
		frames uint64
		want   time.Duration
	}{
		{0, 7, 0}, {10 * time.Millisecond, 7, 10 * time.Millisecond}, {20 * time.Millisecond, 7, 20 * time.Millisecond},
		{30 * time.Millisecond, 8, 0}, {31 * time.Millisecond, 9, time.Millisecond}, // which is too soon to look again
		{40 * time.Millisecond, 9, 0}, {3 * time.Second, 9, 2960 * time.Millisecond},
		{4 * time.Second, 0, 0}, // the driver has begun anew
	} {
		frames = step.frames
		if got, err := s.lasts(noon.Add(step.at)); got != step.want || err != nil {
			t.Errorf("step %d: it lasts for %s, %v, want %s", n, got, err, step.want)
		}
	}
	failure = errors.New("no such device")
	if _, err := s.lasts(noon.Add(time.Minute)); !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
}

// A backup that hears nothing since an advert takes over three intervals later at the soonest. The first advert that it can
// hear then must come with an announcement, whenever between two adverts the LAN was cut.
func TestAMasterThatMayHaveBeenCutOffAnnouncesWithEachAdvertUntilItHears(t *testing.T) {
	const second = time.Second
	for name, test := range map[string]struct {
		interval time.Duration
		frames   []uint64 // as they are at each advert
		late     time.Duration
		want     string // announces, or not, with each advert
	}{
		"while it is heard":                        {second, []uint64{1, 2, 3, 4, 5}, 0, "....."},
		"a short silence":                          {second, []uint64{1, 2, 2, 2, 3, 4}, 0, "......"},
		"from the third silent interval on":        {second, []uint64{1, 2, 2, 2, 2, 2, 2}, 0, "....aaa"},
		"though adverts are somewhat early":        {second, []uint64{1, 2, 2, 2, 2, 2}, -100 * time.Millisecond, "....aa"},
		"once more when something is heard again":  {second, []uint64{1, 2, 2, 2, 2, 3, 4}, 0, "....aa."},
		"not with each advert where they are fast": {10 * time.Millisecond, []uint64{1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, "...a..a..a"},
		"at once when fast ones are heard again":   {10 * time.Millisecond, []uint64{1, 1, 1, 1, 1, 2, 3}, 0, "...a.a."},
	} {
		t.Run(name, func(t *testing.T) {
			var frames uint64
			s, d := silence{frames: func() (uint64, error) { return frames, nil }}, doubt{}
			i := config.Instance{AdvertInterval: test.interval, DownTimerAdverts: 3}
			got := ""
			for n, count := range test.frames {
				frames = count
				now := noon.Add(time.Duration(n) * test.interval)
				if n > 1 {
					now = now.Add(test.late)
				}
				silent, err := s.lasts(now)
				if err != nil {
					t.Fatal(err)
				}
				if d.speaks(now, silent, i, 1) {
					got += "a"
				} else {
					got += "."
				}
			}
			if got != test.want {
				t.Errorf("announces %s, want %s", got, test.want)
			}
		})
	}
}

func TestManyAddressesAreAnnouncedLessOften(t *testing.T) {
	i := config.Instance{AdvertInterval: 10 * time.Millisecond, DownTimerAdverts: 3}
	var d doubt
	said := 0
	for ms := time.Duration(0); ms < 1000; ms += 10 {
		if d.speaks(noon.Add(ms*time.Millisecond), time.Minute, i, 200) {
			said++
		}
	}
	if said != 5 {
		t.Errorf("200 addresses were announced %d times in a second, want 5", said)
	}
}
