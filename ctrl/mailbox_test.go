package ctrl

import (
	"slices"
	"sync"
	"testing"
)

func TestMailboxKeepsTheOrderAndNeverWaits(t *testing.T) {
	const letters = 10_000 // nobody takes any meanwhile
	m := newMailbox()
	var got []int
	for n := range letters {
		m.put(func() { got = append(got, n) })
	}
	<-m.ready
	for _, do := range m.take() {
		do()
	}
	if len(got) != letters || !slices.IsSorted(got) {
		t.Errorf("%d done, in order: %v; want %d in order", len(got), slices.IsSorted(got), letters)
	}
	select {
	case <-m.ready:
		t.Error("an empty mailbox says that there is work")
	default:
	}
}

func TestMailboxTakesWorkThatWorkPuts(t *testing.T) {
	m := newMailbox()
	done := 0
	m.put(func() { m.put(func() { done++ }) })
	for range 2 {
		<-m.ready
		for _, do := range m.take() {
			do()
		}
	}
	if done != 1 {
		t.Errorf("done %d times, want once", done)
	}
}

func TestMailboxLosesNothingOfWhatManyPutAtOnce(t *testing.T) {
	const writers, each = 8, 500
	m := newMailbox()
	done := make(map[int][]int) // only the taker's goroutine writes it
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			for n := range each {
				m.put(func() { done[w] = append(done[w], n) })
			}
		})
	}
	for total := 0; total < writers*each; {
		<-m.ready // a lost token hangs here
		work := m.take()
		total += len(work)
		for _, do := range work {
			do()
		}
	}
	writing.Wait()
	for w, list := range done {
		if len(list) != each || !slices.IsSorted(list) {
			t.Errorf("of writer %d came %d, in order: %v", w, len(list), slices.IsSorted(list))
		}
	}
}
