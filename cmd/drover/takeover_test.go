package main

import (
	"syscall"
	"testing"
	"time"
)

func TestTheBackupTakesOverFromAMasterThat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name        string
		lose        func(n *network, master *runningDaemon)
		least, most time.Duration
	}{
		{"was killed with -9", func(n *network, master *runningDaemon) { master.kill() }, 3 * time.Second, 4100 * time.Millisecond},
		{"lost its link", func(n *network, _ *runningDaemon) { n.must(n.high.Pull()) }, 3 * time.Second, 4100 * time.Millisecond},
		{"is cut off silently", func(n *network, _ *runningDaemon) { n.must(n.high.Cut()) }, 3 * time.Second, 4100 * time.Millisecond},
		{"hangs", func(_ *network, master *runningDaemon) { master.signalAll(syscall.SIGSTOP) }, 3 * time.Second, 4100 * time.Millisecond},
		// Which it says itself: with a priority of 0.
		{"has a control plane that hangs", func(_ *network, master *runningDaemon) { master.signal(syscall.SIGSTOP) }, 900 * time.Millisecond, time.Second},
		{"is stopped with SIGTERM", func(n *network, master *runningDaemon) { master.signal(syscall.SIGTERM) }, 0, 1100 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			_, high := n.startPair()
			adverts := n.watchAdverts()
			client := n.steadily(n.client, vip, 50*time.Millisecond)
			adverts.next(n.high)

			c.lose(n, high)
			taken := adverts.next(n.low)
			mustTake(t, adverts.handover(n.high, n.low), c.least, c.most)
			n.untilState(n.low, "MASTER")
			n.mustServe(client, taken.at.Add(200*time.Millisecond), 2*time.Second)
		})
	}
}

func TestACleanStopCostsClientsHardlyAnything(t *testing.T) {
	// Alone: a tenth of a second counts.
	n := newNetwork(t)
	_, high := n.startPair()
	adverts := n.watchAdverts()
	client := n.steadily(n.client, vip, 20*time.Millisecond)
	adverts.next(n.high)
	begun := time.Now()
	high.stop()
	n.mustBeClean(n.high)
	n.untilState(n.low, "MASTER")
	for range 2 {
		adverts.next(n.low)
	}
	n.mustHardlyNotice(client.stop(), begun, time.Now())
}

func TestAMasterThatComesBackAfterItsLeaseBeginsAsBackup(t *testing.T) {
	// Alone: a tenth of a second counts.
	n := newNetwork(t)
	_, high := n.startPair()
	high.kill()
	n.untilState(n.low, "MASTER")
	adverts := n.watchAdverts()
	client := n.steadily(n.client, vip, 20*time.Millisecond)
	begun := time.Now()
	high = n.start(n.high)
	high.untilLogged("from=INIT to=BACKUP")
	if n.holds(n.high, vip) {
		t.Error("it still holds the VIP of its earlier life")
	}
	first := adverts.next(n.high)
	n.mustBeAloneSince(adverts, n.high, n.low, first.at)
	if waited := first.at.Sub(begun); waited < 3*time.Second {
		t.Errorf("it preempted after %s", waited)
	}
	n.mustHardlyNotice(client.stop(), begun, time.Now())
}

func TestAMasterThatHungIsMasterAgainWhenItWakesUp(t *testing.T) {
	t.Parallel()
	for name, signal := range map[string]func(*runningDaemon, syscall.Signal){
		"all of it":         (*runningDaemon).signalAll,
		"its control plane": func(d *runningDaemon, s syscall.Signal) { d.signal(s) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newNetwork(t)
			_, high := n.startPair()
			adverts := n.watchAdverts()
			sent := n.watchSent(n.client, vip)
			signal(high, syscall.SIGSTOP)
			rhythm := adverts.next(n.low).at
			client := n.steadily(n.client, vip, 50*time.Millisecond)
			// Master_Down_Interval of the one that wakes up is 3.953 s: its first advert comes between two of the other one.
			n.untilAfter(rhythm.Add(time.Second/2), time.Second)
			signal(high, syscall.SIGCONT)
			awake := adverts.next(n.high)
			n.mustBeAloneSince(adverts, n.high, n.low, awake.at)
			n.mustSendTo(sent, n.high, awake.at.Add(time.Second))
			n.mustServe(client, awake.at.Add(time.Second), time.Second)
		})
	}
}

func TestAMasterWhoseCableIsPutBackIsMasterAgain(t *testing.T) {
	// Alone: a tenth of a second counts.
	n := newNetwork(t)
	n.startPair()
	n.must(n.high.Pull())
	n.untilState(n.high, "FAULT")
	n.untilState(n.low, "MASTER")
	if n.holds(n.high, vip) {
		t.Error("it holds the VIP although its link is down")
	}
	adverts := n.watchAdverts()
	client := n.steadily(n.client, vip, 20*time.Millisecond)
	begun := time.Now()
	n.must(n.high.Plug())
	n.mustBeAloneSince(adverts, n.high, n.low, adverts.next(n.high).at)
	n.mustHardlyNotice(client.stop(), begun, time.Now())
}
