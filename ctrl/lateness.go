package ctrl

import "time"

// latenessBounds are the upper bounds of the classes of lateness. What is later than the last is in one more class.
var latenessBounds = [...]time.Duration{
	100 * time.Microsecond, 250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2 * time.Millisecond,
	5 * time.Millisecond, 10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond,
}

// lateness counts adverts and timers by how much later they were done than they were due.
type lateness struct {
	counts [len(latenessBounds) + 1]uint64
	worst  time.Duration
}

func (l *lateness) add(late time.Duration) {
	class := 0
	for class < len(latenessBounds) && late > latenessBounds[class] {
		class++
	}
	l.counts[class]++
	l.worst = max(l.worst, late)
}
