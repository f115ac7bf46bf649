package main

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drover/bench/testbed"
)

func TestAdvertsLeaveOnTimeWhateverElseHangs(t *testing.T) {
	// Alone: its load would disturb the timers of others.
	n := newHungServices(t)
	d, reader := n.startUnread(n.high)
	n.untilState(n.high, "MASTER")
	n.start(n.low)
	n.untilState(n.low, "BACKUP")
	adverts := n.watchAdverts()
	begun := adverts.next(n.high).at

	var polling sync.WaitGroup
	for range 2 {
		polling.Go(func() {
			for time.Since(begun) < 8*time.Second {
				if _, err := n.status(n.high); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	polling.Wait()
	sent := of(adverts.seen(), n.high, begun)
	if len(sent) < 7 {
		t.Errorf("%d adverts in 8 s", len(sent))
	}
	for i := 1; i < len(sent); i++ {
		if pause := sent[i].at.Sub(sent[i-1].at); pause > 1300*time.Millisecond {
			t.Errorf("%s between two adverts", pause)
		}
	}
	if rival := of(adverts.seen(), n.low, begun); len(rival) > 0 {
		t.Errorf("the backup took part: %v", rival)
	}

	d.signal(syscall.SIGTERM)
	d.exitCode()
	n.mustBeClean(n.high)
	reader.Close()
}

// newHungServices is a network in which the web servers' machines are well, and accept connections, but no request is answered.
func newHungServices(t *testing.T) *network {
	t.Helper()
	n := newBalancers(t)
	for i := range 2 {
		n.serveNothing(n.addHost(testbed.RealServer(fmt.Sprintf("web%d", 150+i), testbed.MAC{},
			prefixes(fmt.Sprintf("192.168.100.%d/24", 150+i))[0], vip)))
	}
	return n
}

// startUnread starts a daemon whose log goes into a pipe that is full and that nobody reads.
func (n *network) startUnread(h *testbed.Host) (*runningDaemon, *os.File) {
	n.t.Helper()
	reader, writer, err := os.Pipe()
	n.must(err)
	n.t.Cleanup(func() { reader.Close(); writer.Close() })
	size, err := unix.FcntlInt(writer.Fd(), unix.F_GETPIPE_SZ, 0)
	n.must(err)
	_, err = writer.Write(make([]byte, size))
	n.must(err)
	d := &runningDaemon{Cmd: n.drover(h, "run"), n: n, host: h, log: new(logText)}
	d.Stderr = writer
	n.launch(d)
	return d, reader
}
