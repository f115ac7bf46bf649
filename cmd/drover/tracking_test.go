package main

import (
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// What an instance tracks changes its priority, and with it who is MASTER, or keeps it from being that.
func TestWhatIsTrackedDecidesWhoIsMaster(t *testing.T) {
	t.Parallel()
	const (
		script  = "vrrp_script CHECK {\n  script \"/bin/test -e /run/healthy\"\n  interval 1\n  rise 1\n  fall 1\n}\n"
		file    = "track_file LOAD {\n  file /run/load\n}\n"
		process = "vrrp_track_process WORKER {\n  process tail\n  weight 20\n}\n"
	)
	for _, c := range []struct {
		name       string
		tracked    string // in the instance
		defined    string
		lose, back string // commands on the better member
		base       int    // its priority as configured
		state      string // when it has lost
		priority   uint8
	}{
		{"a script with a negative weight", "track_script {\n CHECK weight -150\n}", script,
			"rm /run/healthy", "touch /run/healthy", 200, "BACKUP", 50},
		{"a script with a positive weight", "track_script {\n CHECK weight 50\n}", script,
			"rm /run/healthy", "touch /run/healthy", 120, "BACKUP", 120},
		{"a script with a weight that is reversed", "track_script {\n CHECK weight -150 reverse\n}", script,
			"touch /run/healthy", "rm /run/healthy", 200, "BACKUP", 200},
		{"a script without a weight", "track_script {\n CHECK\n}", script,
			"rm /run/healthy", "touch /run/healthy", 200, "FAULT", 200},
		{"a file with a weight", "track_file {\n LOAD weight -3\n}", file,
			"cp /etc/fifty /run/load", "cp /etc/zero /run/load", 200, "BACKUP", 50},
		{"a file without a weight", "track_file {\n LOAD weight 0\n}", file,
			"cp /etc/fifty /run/load", "cp /etc/zero /run/load", 200, "FAULT", 200},
		{"a process", "track_process {\n WORKER weight -150\n}", process,
			"pkill -x tail", "tail -f /dev/null", 200, "BACKUP", 50},
		{"another interface with a weight", "track_interface {\n side weight -150\n}", "",
			"ip link set side down", "ip link set side up", 200, "BACKUP", 50},
		{"another interface without a weight", "track_interface {\n side\n}", "",
			"ip link set side down", "ip link set side up", 200, "FAULT", 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := newPair(t, agreement{
				version: 3, interval: 100 * time.Millisecond, vips: prefixes("192.168.100.221/24"),
				more: []string{c.tracked}, beside: c.defined,
			}, speakDrover, speakDrover)
			p.high.priority = c.base
			for _, m := range []*member{p.high, p.low} {
				p.run(m.Host, "ip link add side type veth peer name beyond", "ip link set beyond up", "ip link set side up")
				p.must(m.WriteFile("/etc/zero", "0"))
				p.must(m.WriteFile("/etc/fifty", "50"))
				p.background(m.Host, c.back)
				p.start(m)
			}
			p.untilAlone(p.high, p.low)
			p.background(p.high.Host, c.lose)
			p.untilAlone(p.low, p.high)
			p.untilStatus(p.high.Host, c.state, func(s api.Status) bool {
				return s.Instances[0].State == c.state && s.Instances[0].Priority == c.priority
			})
			p.background(p.high.Host, c.back)
			p.untilAlone(p.high, p.low)
		})
	}
}

// background starts a command, which may go on until the host is turned off.
func (n *network) background(h *testbed.Host, command string) {
	n.t.Helper()
	words := strings.Fields(command)
	cmd := h.Command(n.t.Context(), words[0], words[1:]...)
	n.must(cmd.Start())
	go cmd.Wait()
}
