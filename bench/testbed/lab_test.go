package testbed_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"drover/bench/testbed"
)

// crashVariable makes the test executable a program that builds a lab and dies. See TestACrashedLabIsRemoved.
const crashVariable = "DROVER_TESTBED_CRASH"

func TestMain(m *testing.M) {
	testbed.RunChild()
	if os.Getenv(crashVariable) != "" {
		fmt.Fprintln(os.Stderr, crash())
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// pair is a lab with two hosts that are ready.
type pair struct {
	lab         *testbed.Lab
	left, right *testbed.Host
}

func newPair(t *testing.T) pair {
	t.Helper()
	lab := newLab(t)
	return pair{lab: lab, left: addHost(t, lab, "left", "192.0.2.1/24"), right: addHost(t, lab, "right", "192.0.2.2/24")}
}

func newLab(t *testing.T) *testbed.Lab {
	t.Helper()
	testbed.Require(t)
	lab, err := testbed.New(testbed.Options{Name: "test"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { check(t, lab.Close()) })
	return lab
}

func addHost(t *testing.T, lab *testbed.Lab, name, address string) *testbed.Host {
	t.Helper()
	h, err := lab.AddHost(testbed.HostSpec{Name: name, Addresses: []netip.Prefix{netip.MustParsePrefix(address)}})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// within is the time that anything may take before a test fails.
func within(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// serveEcho answers every datagram on the host's port 7 with its own content.
func serveEcho(t *testing.T, h *testbed.Host) {
	t.Helper()
	conn, err := h.ListenPacket("udp4", ":7")
	check(t, err)
	t.Cleanup(func() { conn.Close() })
	go func() {
		buffer := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if err != nil {
				return
			}
			// An answer that cannot be sent is one that the test waits for in vain.
			_, _ = conn.WriteTo(buffer[:n], from)
		}
	}()
}

// echo sends a datagram to the other host's port 7 and reports whether the answer came in time.
func echo(t *testing.T, from, to *testbed.Host, patience time.Duration) bool {
	t.Helper()
	conn, err := from.Dial(t.Context(), "udp4", net.JoinHostPort(to.Address().String(), "7"))
	check(t, err)
	defer conn.Close()
	check(t, conn.SetDeadline(time.Now().Add(patience)))
	if _, err := conn.Write([]byte("hello")); err != nil {
		return false
	}
	_, err = conn.Read(make([]byte, 16))
	return err == nil
}

func awaitEcho(t *testing.T, from, to *testbed.Host) {
	t.Helper()
	check(t, testbed.Until(within(t), func() (bool, error) {
		return echo(t, from, to, 200*time.Millisecond), nil
	}))
}

func TestTwoHostsExchangeDatagrams(t *testing.T) {
	p := newPair(t)
	serveEcho(t, p.right)
	if !echo(t, p.left, p.right, 5*time.Second) {
		t.Error("no answer")
	}
}

func TestTwoHostsExchangeAStream(t *testing.T) {
	p := newPair(t)
	listener, err := p.right.Listen("tcp4", ":80")
	check(t, err)
	defer listener.Close()
	const size = 1 << 20
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		// The reader counts what arrives.
		_, _ = conn.Write(make([]byte, size))
	}()
	conn, err := p.left.Dial(within(t), "tcp4", "192.0.2.2:80")
	check(t, err)
	defer conn.Close()
	n, err := io.Copy(io.Discard, conn)
	check(t, err)
	if n != size {
		t.Errorf("%d bytes of %d arrived", n, size)
	}
}

func TestACommandSeesItsHostAndNothingElse(t *testing.T) {
	p := newPair(t)
	const ownFile = "/etc/testbed/own"
	check(t, p.left.WriteFile(ownFile, "mine\n"))
	for _, c := range []struct{ command, want string }{
		{"hostname", "left"},
		{"cat " + ownFile, "mine"},
		{"ls /run", ""},
		{"ls /sys/class/net", "enp1s0 lo"},
		{"stat -f -c %T /sys/fs/bpf", "bpf_fs"},
		{"cat /proc/1/cmdline | tr -d '\\0'", "drover-testbed-init"},
		{"cat /sys/class/net/enp1s0/address", p.left.MAC().String()},
		{"pwd", "/"},
	} {
		output, err := p.left.Command(within(t), "sh", "-c", c.command).Output()
		check(t, err)
		if got := strings.Join(strings.Fields(string(output)), " "); got != c.want {
			t.Errorf("%s: %q, want %q", c.command, got, c.want)
		}
	}
	for _, other := range []func() error{
		p.right.Command(within(t), "test", "-e", ownFile).Run,
		exec.Command("test", "-e", ownFile).Run,
	} {
		if err := other(); err == nil {
			t.Errorf("%s is seen outside of its host", ownFile)
		}
	}
}

// countSleeps prints how many processes named sleep a host has, with no more than every system has.
const countSleeps = "cat /proc/[0-9]*/comm | grep -cx sleep; true"

func TestARebootEndsEveryProcessAndBringsTheHostBackAsAtFirst(t *testing.T) {
	p := newPair(t)
	check(t, p.left.WriteFile("/etc/motd", "first\n"))
	daemon := p.left.Command(t.Context(), "sh", "-c", "touch /run/state; sleep 1000 & sleep 1000")
	check(t, daemon.Start())
	bystander := p.right.Command(t.Context(), "sleep", "1000")
	check(t, bystander.Start())
	check(t, testbed.Until(within(t), func() (bool, error) {
		output, err := p.left.Command(t.Context(), "sh", "-c", "ls /run; "+countSleeps).Output()
		return string(output) == "state\n2\n", err
	}))

	check(t, p.left.Reboot())
	if err := daemon.Wait(); err == nil {
		t.Error("the daemon ended as if nothing had happened")
	}
	output, err := p.left.Command(within(t), "sh", "-c", "ls /run; "+countSleeps+"; cat /etc/motd").CombinedOutput()
	check(t, err)
	if string(output) != "0\nfirst\n" {
		t.Errorf("after the reboot: %q", output)
	}
	if bystander.Process.Signal(syscall.Signal(0)) != nil {
		t.Error("a process of the other host ended too")
	}
	serveEcho(t, p.right)
	if !echo(t, p.left, p.right, 5*time.Second) {
		t.Error("no answer after the reboot")
	}
}

func TestAHostThatIsOffRefusesCommands(t *testing.T) {
	p := newPair(t)
	check(t, p.left.PowerOff())
	if err := p.left.Command(t.Context(), "true").Run(); !errors.Is(err, testbed.ErrHostOff) {
		t.Errorf("run: %v", err)
	}
	if err := p.left.Pull(); !errors.Is(err, testbed.ErrHostOff) {
		t.Errorf("pull: %v", err)
	}
	check(t, p.left.PowerOn())
	check(t, p.left.Command(t.Context(), "true").Run())
}

func TestAHostsNameIsItsOwn(t *testing.T) {
	p := newPair(t)
	for name, spec := range map[string]testbed.HostSpec{
		"taken":          {Name: "left"},
		"empty":          {},
		"too long":       {Name: "a-name-of-16-chrs"},
		"a path":         {Name: "a/b"},
		"a group MAC":    {Name: "group", MAC: testbed.Broadcast},
		"a foreign file": {Name: "file", Files: map[string]string{"/etc/../root/x": ""}},
	} {
		if _, err := p.lab.AddHost(spec); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestRealServersAndARP holds what the two setups of a real server do with a request for the virtual address.
func TestRealServersAndARP(t *testing.T) {
	vip := netip.MustParseAddr("192.0.2.100")
	address := netip.MustParsePrefix("192.0.2.50/24")
	for name, c := range map[string]struct {
		spec    testbed.HostSpec
		answers bool
	}{
		"the VIP on lo is silent":     {testbed.RealServer("web", testbed.MAC{2, 0, 0, 0, 0, 9}, address, vip), false},
		"the VIP on an alias answers": {testbed.AliasedRealServer("web", testbed.MAC{2, 0, 0, 0, 0, 9}, address, vip), true},
	} {
		t.Run(name, func(t *testing.T) {
			lab := newLab(t)
			client := addHost(t, lab, "client", "192.0.2.1/24")
			web, err := lab.AddHost(c.spec)
			check(t, err)
			serveEcho(t, web)
			watch, err := lab.Watch(nil)
			check(t, err)
			conn, err := client.Dial(t.Context(), "udp4", "192.0.2.100:7")
			check(t, err)
			defer conn.Close()
			_, err = conn.Write([]byte("hello"))
			check(t, err)
			// The exchange with the web server's own address marks the end: what precedes it has been answered or not.
			_, err = watch.Find(within(t), func(f testbed.Frame) bool {
				arp, ok := f.ARP()
				return ok && arp.Request && arp.Target == vip
			})
			check(t, err)
			if !echo(t, client, web, 5*time.Second) {
				t.Fatal("the web server does not answer on its own address")
			}
			check(t, watch.Close())
			answered := false
			for _, f := range watch.Seen() {
				arp, ok := f.ARP()
				answered = answered || ok && !arp.Request && arp.Sender == vip && arp.SenderMAC == web.MAC()
			}
			if answered != c.answers {
				t.Errorf("answered: %t", answered)
			}
		})
	}
}
