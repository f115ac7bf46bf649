package main

import (
	"context"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime/debug"
	"testing"
	"time"

	"drover/bench/testbed"
)

// What the client measures must not wait for the threads of the benchmark: the world of this process stops, and the echo is
// answered.
func TestEchoesAreAnsweredWhileTheBenchmarkStandsStill(t *testing.T) {
	needRoot(t)
	const stop = 800 * time.Millisecond
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	lab, err := testbed.New(testbed.Options{Name: "echo"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	}()
	add := func(name string, address netip.Addr) *testbed.Host {
		host, err := lab.AddHost(testbed.HostSpec{Name: name, Addresses: []netip.Prefix{lanPrefix(address)}})
		if err != nil {
			t.Fatal(err)
		}
		return host
	}
	server, client := add("server", echoAddress().Addr()), add("client", netip.MustParseAddr("192.0.2.4"))
	_, processors, err := shares()
	if err != nil {
		t.Fatal(err)
	}
	serving, end := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- serveEchoes(serving, []*testbed.Host{server}, processors) }()
	ask := fmt.Sprintf("exec 3<>/dev/udp/%s/%d; printf 12345678 >&3; head -c 8 <&3", echoAddress().Addr(), echoAddress().Port())
	err = testbed.Until(ctx, func() (bool, error) {
		answer, err := client.Command(ctx, "timeout", "1", "bash", "-c", ask).Output()
		return err == nil && string(answer) == "12345678", nil
	})
	if err != nil {
		t.Fatal(err)
	}
	watch, err := lab.Watch(func(f testbed.Frame) bool { ip, is := f.IP(); return is && ip.Protocol == 17 })
	if err != nil {
		t.Fatal(err)
	}
	asking := client.Command(ctx, "bash", "-c", "sleep 0.2; "+ask)
	if err := asking.Start(); err != nil {
		t.Fatal(err)
	}
	stopWorld(t, stop)
	if err := asking.Wait(); err != nil {
		t.Error(err)
	}
	var at []time.Time
	for range 2 {
		f, err := watch.Next(ctx)
		if err != nil {
			t.Fatal(err)
		}
		at = append(at, f.Time)
	}
	if took := at[1].Sub(at[0]); took > stop/4 {
		t.Errorf("an echo came back after %s", took)
	}
	end()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// stopWorld keeps all goroutines of this process from running for a time: a heap dump does, until somebody has read it.
func stopWorld(t *testing.T, during time.Duration) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer write.Close()
	reader := exec.Command("sh", "-c", fmt.Sprintf("sleep %g; cat >/dev/null", during.Seconds()))
	reader.Stdin = read
	if err := reader.Start(); err != nil {
		t.Fatal(err)
	}
	read.Close()
	begun := time.Now()
	debug.WriteHeapDump(write.Fd())
	if still := time.Since(begun); still < during/2 {
		t.Fatalf("the world stood still for %s only", still)
	}
	write.Close()
	if err := reader.Wait(); err != nil {
		t.Fatal(err)
	}
}
