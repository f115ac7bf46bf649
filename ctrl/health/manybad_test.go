package health

import (
	"context"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// A thousand bad servers of all kinds are waited for, and read from, all at once, and nobody else waits with them.
func TestBadServersDoNotDelayTheChecksOfGoodOnes(t *testing.T) {
	// A check that waits for a bad server is late by seconds; one that waits for the CPU, of which others have a part, is not.
	const bad, good, interval, tolerance = 1000, 100, 100 * time.Millisecond, time.Second
	kinds := manyBadServers(t)
	web := serveMany(t, func(c net.Conn) {
		if _, err := c.Read(make([]byte, 1024)); err == nil {
			c.Write([]byte("HTTP/1.0 200 OK\r\n\r\nhello")) // a probe that has hung up sees nothing of it
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer cancel()
	start := func(config CheckerConfig) *Checker {
		checker, err := NewChecker(config)
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { _ = checker.Run(ctx) }) // it ends with the context
		return checker
	}
	var bads []*Checker
	badProbe := onlyProbe(t, HTTPSettings{URLs: []URL{{}}, ConnectTimeout: patience, MaxBody: 256 << 10})
	for i := range bad {
		bads = append(bads, start(CheckerConfig{
			Target: kinds[i%len(kinds)], Probes: []Probe{badProbe}, Settings: Settings{Interval: 10 * interval},
			Spread: float64(i) / bad, Report: func(Verdict) {},
		}))
	}
	var checks, late atomic.Int64
	var goods []*Checker
	goodProbe := onlyProbe(t, HTTPSettings{URLs: []URL{{}}, ConnectTimeout: patience})
	for range good {
		goods = append(goods, start(CheckerConfig{
			Target: web, Probes: []Probe{goodProbe}, Settings: Settings{Interval: interval}, Report: func(Verdict) {},
			Started: func(by time.Duration) {
				checks.Add(1)
				if by > tolerance {
					late.Add(1)
				}
			},
		}))
	}
	deadline := time.After(2 * patience)
	for checks.Load() < 20*good {
		select {
		case <-deadline:
			t.Fatalf("%d checks of good servers were made", checks.Load())
		case <-time.After(10 * time.Millisecond):
		}
	}
	if n := late.Load(); n > 0 {
		t.Errorf("%d of %d checks of good servers were more than %v late", n, checks.Load(), tolerance)
	}
	for _, checker := range goods {
		if status := checker.Status(); !status.Up || status.Failures > 0 {
			t.Errorf("a good server: %+v", status)
		}
	}
	for _, checker := range bads {
		if status := checker.Status(); status.Checks > status.Failures {
			t.Errorf("a bad server: %+v", status)
		}
	}
}

// manyBadServers are one of each kind, that serve any number of checks until the test ends.
func manyBadServers(t *testing.T) []Target {
	t.Helper()
	const header = "HTTP/1.0 200 OK\r\n\r\n"
	body := header + strings.Repeat("x", 16<<10)
	return []Target{
		serveMany(t, awaitHangUp),
		serveMany(t, func(c net.Conn) { c.Write([]byte(header)); trickle(c, time.Second) }),
		serveMany(t, func(c net.Conn) { pour(c, body) }),
		serveMany(t, func(c net.Conn) { c.Read(make([]byte, 1024)); reset(t, c.(*net.TCPConn)) }),
	}
}

// serveMany answers each connection with the given function, until the test ends.
func serveMany(t *testing.T, answer func(net.Conn)) Target {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				answer(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		serving.Wait()
	})
	return Target{Address: listener.Addr().(*net.TCPAddr).AddrPort()}
}
