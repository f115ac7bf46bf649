package ctrl

import (
	"testing"
	"time"
)

func TestABellThatWasRungEndsTheNextWaitAndNoOther(t *testing.T) {
	b, err := newBell()
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := b.close(); err != nil {
			t.Error(err)
		}
	}()
	const never = time.Hour
	b.ring()
	b.ring() // which counts once
	for _, most := range []time.Duration{never, 0, -never} {
		if err := b.wait(most); err != nil {
			t.Fatal(err)
		}
	}
	ended := make(chan error)
	go func() { ended <- b.wait(never) }()
	b.ring()
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
}

func TestLatenessIsCountedInItsClass(t *testing.T) {
	var l lateness
	for _, late := range []time.Duration{0, 100 * time.Microsecond, 101 * time.Microsecond, 100 * time.Millisecond, time.Second} {
		l.add(late)
	}
	last := len(latenessBounds) - 1
	if l.counts[0] != 2 || l.counts[1] != 1 || l.counts[last] != 1 || l.counts[last+1] != 1 || l.worst != time.Second {
		t.Errorf("counted %v, worst %s", l.counts, l.worst)
	}
}
