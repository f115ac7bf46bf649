package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// runningDaemon is a `drover run` on a host.
type runningDaemon struct {
	*testbed.Cmd
	n    *network
	host *testbed.Host
	log  *logText
}

// logText is what a daemon has written so far.
type logText struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// drover is a command of a host that has not been started.
func (n *network) drover(h *testbed.Host, args ...string) *testbed.Cmd {
	n.t.Helper()
	self, err := os.Executable()
	n.must(err)
	cmd := h.Command(context.Background(), self, args...)
	cmd.Env = append(os.Environ(), asDrover+"=1")
	return cmd
}

// start begins `drover run`; whatever is left of it ends with the test.
func (n *network) start(h *testbed.Host, args ...string) *runningDaemon {
	n.t.Helper()
	d := &runningDaemon{
		Cmd: n.drover(h, append([]string{"run"}, args...)...), n: n, host: h, log: new(logText),
	}
	d.Stdout, d.Stderr = d.log, d.log
	n.launch(d)
	return d
}

func (n *network) launch(d *runningDaemon) {
	n.t.Helper()
	n.must(d.Start())
	n.t.Cleanup(func() {
		d.kill()
		d.mustBeSound()
		if n.t.Failed() {
			n.t.Logf("log of %s:\n%s", d.host.Name(), d.log)
		}
	})
}

// startPair starts both balancers and waits for the outcome of the election.
func (n *network) startPair(args ...string) (low, high *runningDaemon) {
	n.t.Helper()
	low, high = n.start(n.low, args...), n.start(n.high, args...)
	n.untilState(n.high, "MASTER")
	n.untilState(n.low, "BACKUP")
	n.untilUp(n.high, 2)
	n.untilUp(n.low, 2)
	return low, high
}

// kill is kill -9.
func (d *runningDaemon) kill() {
	d.Process.Kill()
	d.Wait()
}

// stop is SIGTERM; the daemon must end well.
func (d *runningDaemon) stop() {
	d.n.t.Helper()
	d.signal(syscall.SIGTERM)
	if code := d.exitCode(); code != exitDone {
		d.n.t.Fatalf("%s: drover run exits with %d, want %d", d.host.Name(), code, exitDone)
	}
}

func (d *runningDaemon) signal(s os.Signal) {
	d.n.t.Helper()
	d.n.must(d.Process.Signal(s))
}

// signalAll signals all processes of the daemon.
func (d *runningDaemon) signalAll(s syscall.Signal) {
	d.n.t.Helper()
	d.n.must(syscall.Kill(-d.Process.Pid, s))
}

// mustBeSound looks for what the Go runtime writes of a panic or, in a test with -race, of a data race.
func (d *runningDaemon) mustBeSound() {
	d.n.t.Helper()
	for _, sign := range []string{"\ngoroutine ", "WARNING: DATA RACE"} {
		if strings.Contains(d.log.String(), sign) {
			d.n.t.Errorf("the log of %s contains %q", d.host.Name(), sign)
		}
	}
}

// exitCode waits for the end.
func (d *runningDaemon) exitCode() int {
	d.n.t.Helper()
	ended := make(chan int, 1)
	go func() {
		d.Wait()
		ended <- d.ProcessState.ExitCode()
	}()
	var code int
	d.n.until("drover run on "+d.host.Name()+" ends", func() (bool, error) {
		select {
		case code = <-ended:
			return true, nil
		default:
			return false, nil
		}
	})
	return code
}

// untilLogged waits for a text in the daemon's log.
func (d *runningDaemon) untilLogged(text string) {
	d.n.t.Helper()
	d.n.until(d.host.Name()+" logs "+text, func() (bool, error) { return strings.Contains(d.log.String(), text), nil })
}

// ask runs a command to its end.
func (n *network) ask(h *testbed.Host, args ...string) (stdout, stderr string, code int) {
	n.t.Helper()
	var out, errs bytes.Buffer
	cmd := n.drover(h, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		n.t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// reload writes a configuration and has the daemon of a host take it.
func (n *network) reload(h *testbed.Host, config string) {
	n.t.Helper()
	n.must(h.WriteFile(defaultConfig, config))
	if stdout, stderr, code := n.ask(h, "reload"); code != exitDone {
		n.t.Fatalf("drover reload exits with %d: %s%s", code, stdout, stderr)
	}
}

func (n *network) status(h *testbed.Host) (api.Status, error) {
	var s api.Status
	out, err := n.drover(h, "status", "--json").Output()
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(out, &s)
}

// untilStatus waits until the status of a host is as wanted, and returns it.
func (n *network) untilStatus(h *testbed.Host, what string, wanted func(api.Status) bool) api.Status {
	n.t.Helper()
	var s api.Status
	n.until(h.Name()+" shows "+what, func() (bool, error) {
		var err error
		s, err = n.status(h)
		return err == nil && wanted(s), nil
	})
	return s
}

// untilState waits for a VRRP state of the only instance.
func (n *network) untilState(h *testbed.Host, state string) {
	n.t.Helper()
	n.untilStatus(h, state, func(s api.Status) bool {
		return len(s.Instances) == 1 && s.Instances[0].State == state
	})
}

// untilUp waits until so many real servers of the first virtual server are up.
func (n *network) untilUp(h *testbed.Host, count int) {
	n.t.Helper()
	n.untilUpIn(h, 0, count)
}

// untilUpIn waits for the same of any virtual server.
func (n *network) untilUpIn(h *testbed.Host, virtualServer, count int) {
	n.t.Helper()
	n.untilStatus(h, "real servers up", func(s api.Status) bool { return upIn(s, virtualServer) == count })
}

// upIn counts the real servers of a virtual server that are up.
func upIn(s api.Status, virtualServer int) int {
	up := 0
	for _, r := range s.VirtualServers[virtualServer].RealServers {
		if r.Up {
			up++
		}
	}
	return up
}

// realServerOf returns what a status says of a real server of the first virtual server.
func realServerOf(s api.Status, h *testbed.Host) api.RealServer {
	for _, r := range s.VirtualServers[0].RealServers {
		if r.Address == h.Address().String() {
			return r
		}
	}
	return api.RealServer{}
}
