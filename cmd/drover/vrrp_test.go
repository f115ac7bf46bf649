package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// processes are the daemon's own and that of VRRP.
func (d *runningDaemon) processes() (own, vrrp int) {
	d.n.t.Helper()
	own = d.Process.Pid
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	d.n.must(err)
	for _, stat := range stats {
		text, err := os.ReadFile(stat)
		if errors.Is(err, os.ErrNotExist) || errors.Is(err, unix.ESRCH) {
			continue // ended since
		}
		d.n.must(err)
		const parent = 1 // field after the command's name, as in proc(5)
		if strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))[parent] == strconv.Itoa(own) {
			vrrp, err = strconv.Atoi(filepath.Base(filepath.Dir(stat)))
			d.n.must(err)
			return own, vrrp
		}
	}
	d.n.t.Fatal("the daemon has no second process")
	return 0, 0
}

func (n *network) signalProcess(process int, s syscall.Signal) {
	n.t.Helper()
	n.must(syscall.Kill(process, s))
}

func TestAllThreadsOfTheProcessOfVRRPHaveOneRealTimePriority(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		setting string
		want    uint32
	}{
		"by default":    {"", 10},
		"as configured": {"global_defs {\n  vrrp_rt_priority 33\n}\n", 33},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n := newBalancers(t)
			n.must(n.high.WriteFile(defaultConfig, test.setting+tutorialConfig(12)))
			high := n.start(n.high)
			n.untilState(n.high, "MASTER")
			own, vrrp := high.processes()
			n.mustSchedule(own, unix.SCHED_NORMAL, 0)
			n.mustSchedule(vrrp, unix.SCHED_RR, test.want)
			n.mustBeLocked(vrrp)
		})
	}
}

// mustBeLocked wants the memory of a process, which is far less than it reserves, to stay where it is.
func (n *network) mustBeLocked(process int) {
	n.t.Helper()
	kilobytes := make(map[string]int)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", process))
	n.must(err)
	for line := range strings.Lines(string(status)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[2] == "kB" {
			kilobytes[fields[0]], err = strconv.Atoi(fields[1])
			n.must(err)
		}
	}
	if locked, used := kilobytes["VmLck:"], kilobytes["VmRSS:"]; locked < used || used == 0 || used > 100_000 {
		n.t.Errorf("%d kB are locked, %d kB are used", locked, used)
	}
}

// mustSchedule holds all threads of a process to one policy and priority.
func (n *network) mustSchedule(process int, policy, priority uint32) {
	n.t.Helper()
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", process))
	n.must(err)
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		n.must(err)
		attributes, err := unix.SchedGetAttr(id, 0)
		if errors.Is(err, unix.ESRCH) {
			continue
		}
		n.must(err)
		if attributes.Policy != policy || attributes.Priority != priority {
			n.t.Errorf("a thread has policy %d and priority %d, want %d and %d", attributes.Policy, attributes.Priority, policy, priority)
		}
	}
}

// systemd, a terminal and people signal all processes of a service, but only the daemon itself knows how to leave.
func TestTheProcessOfVRRPLeavesWhenTheDaemonDoesAndForNoSignal(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	_, high := n.startPair()
	adverts := n.watchAdverts()
	_, vrrp := high.processes()
	begun := adverts.next(n.high).at
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		n.signalProcess(vrrp, s)
	}
	for range 2 {
		adverts.next(n.high)
	}
	if rival := of(adverts.seen(), n.low, begun); len(rival) > 0 {
		t.Errorf("the backup took part: %v", rival)
	}
	high.stop()
	n.mustBeClean(n.high)
	if err := syscall.Kill(vrrp, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process of VRRP is there after the daemon's end: %v", err)
	}
}

// Whoever starts the daemon anew, as systemd does, finds the lease.
func TestADaemonWhoseProcessOfVRRPDiesEndsAsInACrash(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	_, high := n.startPair()
	adverts := n.watchAdverts()
	_, vrrp := high.processes()
	begun := adverts.next(n.high).at
	n.signalProcess(vrrp, syscall.SIGKILL)
	if code := high.exitCode(); code != exitFailed {
		t.Errorf("the daemon exits with %d, want %d", code, exitFailed)
	}
	if !n.holds(n.high, vip) {
		t.Error("the VIP was taken away")
	}
	n.start(n.high).untilLogged("adopted")
	adverts.next(n.high)
	if rival := of(adverts.seen(), n.low, begun); len(rival) > 0 {
		t.Errorf("the backup took part: %v", rival)
	}
}

func TestTheProcessOfVRRPIsNotForPeople(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, vrrpCommand)
	cmd.Env = append(os.Environ(), asDrover+"=1")
	cmd.WaitDelay = time.Second
	text, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != exitUsage || !strings.HasPrefix(string(text), "drover: vrrp: it is for drover run to start this") {
		t.Errorf("%v: %s", err, text)
	}
}
