package testbed_test

import (
	"context"
	"errors"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
)

func TestAWatchSeesTheARPExchangeInOrder(t *testing.T) {
	p := newPair(t)
	serveEcho(t, p.right)
	watch, err := p.lab.Watch(func(f testbed.Frame) bool { _, ok := f.ARP(); return ok })
	check(t, err)
	if !echo(t, p.left, p.right, 5*time.Second) {
		t.Fatal("no answer")
	}
	request, err := watch.Next(within(t))
	check(t, err)
	arp, _ := request.ARP()
	want := testbed.ARP{
		Request: true, SenderMAC: p.left.MAC(), Sender: p.left.Address(), Target: netip.MustParseAddr("192.0.2.2"),
	}
	if arp != want || request.Port != "left" || request.Destination() != testbed.Broadcast {
		t.Errorf("first %s from %s: %+v", request, request.Port, arp)
	}
	reply, err := watch.Next(within(t))
	check(t, err)
	arp, _ = reply.ARP()
	if arp.Request || arp.Sender != p.right.Address() || arp.SenderMAC != p.right.MAC() || reply.Port != "right" {
		t.Errorf("second %s from %s: %+v", reply, reply.Port, arp)
	}
}

func TestAWatchThatEndsFailsItsReader(t *testing.T) {
	lab := newLab(t)
	watch, err := lab.Watch(nil)
	check(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := watch.Next(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("nothing to see: %v", err)
	}
	check(t, watch.Close())
	if _, err := watch.Next(t.Context()); !errors.Is(err, os.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	check(t, watch.Close())
}

func TestTheMirrorPortHoldsEveryFrameOnce(t *testing.T) {
	p := newPair(t)
	serveEcho(t, p.right)
	path := filepath.Join(t.TempDir(), "lab.pcapng")
	mirror, err := p.lab.Mirror(path)
	check(t, err)
	const count = 20
	for range count {
		if !echo(t, p.left, p.right, 5*time.Second) {
			t.Fatal("no answer")
		}
	}
	check(t, mirror.Close())
	lines := tshark(t, path)
	left, right := p.left.MAC().String(), p.right.MAC().String()
	var want []string
	for range count {
		want = append(want, "left "+left+" "+right, "right "+right+" "+left)
	}
	if got := strings.Join(lines, "\n"); got != strings.Join(want, "\n") {
		t.Errorf("datagrams in the file:\n%s", got)
	}
}

// tshark reads the UDP datagrams of a capture as lines of port, source MAC and destination MAC.
func tshark(t *testing.T, path string) []string {
	t.Helper()
	program, err := exec.LookPath("tshark")
	if err != nil {
		if os.Getenv("DROVER_TEST_STRICT") == "1" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	command := exec.CommandContext(within(t), program, "-n", "-r", path, "-Y", "udp", "-T", "fields",
		"-E", "separator=/s", "-e", "frame.interface_name", "-e", "eth.src", "-e", "eth.dst")
	output, err := command.Output()
	check(t, err)
	return strings.Split(strings.TrimSpace(string(output)), "\n")
}
