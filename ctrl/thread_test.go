package ctrl

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drover/bench/testbed"
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

func TestMemoryIsNotLockedWithoutThePermission(t *testing.T) {
	testbed.Require(t)
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
		t.Fatal(err)
	}
	bounded := limit
	bounded.Cur = min(limit.Cur, 1<<40) // the process may still grow far beyond what it is
	if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &bounded); err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := unix.Setrlimit(unix.RLIMIT_MEMLOCK, &limit); err != nil {
			t.Error(err)
		}
	}()
	failed := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: it ends without the capability
		header := &unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var has [2]unix.CapUserData
		err := unix.Capget(header, &has[0])
		has[0].Effective &^= 1 << unix.CAP_IPC_LOCK
		if err := errors.Join(err, unix.Capset(header, &has[0])); err != nil {
			t.Error(err)
		}
		failed <- lockMemory()
	}()
	if err := <-failed; err == nil || !strings.Contains(err.Error(), "CAP_IPC_LOCK") {
		t.Errorf("it was tried, and says %v", err)
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
