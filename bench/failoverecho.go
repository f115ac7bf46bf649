package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"drover/bench/testbed"
)

// echoAddress is the virtual server: the echo protocol of RFC 862 at the VIP.
func echoAddress() netip.AddrPort { return netip.AddrPortFrom(IPv4.virtualServer().Addr(), 7) }

// echoVariable makes a process the one of the echo servers. It is how many there are; their sockets are among its files.
const echoVariable = "DROVER_BENCH_ECHOES"

// serveEchoes answers the echoes that come to the VIP on hosts, while they have the VIP, until ctx ends.
//
// The servers are a process of their own, which does nothing else. The threads of a Go process wait for each other, for a
// processor of the runtime and for its locks. In the process of the benchmark, whose other threads have no real-time
// priority, a server that is to come first waited for those up to 200 ms now and then, with echoes in its socket. For the same
// reason all threads of the servers' process have that priority.
func serveEchoes(ctx context.Context, hosts []*testbed.Host, processors share) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	command := processors.lead([]string{self})
	servers := exec.Command(command[0], command[1:]...)
	servers.Env = append(os.Environ(), echoVariable+"="+strconv.Itoa(len(hosts)))
	servers.Stderr = os.Stderr
	for _, host := range hosts {
		file, err := openEchoFile(host, echoAddress())
		if err != nil {
			return err
		}
		defer file.Close() // the process has its own
		servers.ExtraFiles = append(servers.ExtraFiles, file)
	}
	alive, err := servers.StdinPipe()
	if err != nil {
		return err
	}
	if err := servers.Start(); err != nil {
		return fmt.Errorf("start the echo servers: %w", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- servers.Wait() }()
	select {
	case <-ctx.Done():
		return errors.Join(alive.Close(), <-ended)
	case err := <-ended:
		return errors.Join(errors.New("the echo servers have ended before the benchmark"), err)
	}
}

// openEchoFile opens a socket on a host, as a file to be passed on.
func openEchoFile(host *testbed.Host, at netip.AddrPort) (file *os.File, err error) {
	err = host.Do(func() error {
		socket, err := openEcho(at)
		if err != nil {
			return err
		}
		file = os.NewFile(uintptr(socket.fd), "echo")
		return nil
	})
	return file, err
}

// runEchoServers makes the process the one of the echo servers, if that is what it was started for, and then never returns.
func runEchoServers() {
	servers := os.Getenv(echoVariable)
	if servers == "" {
		return
	}
	if err := answerEchoes(servers); err != nil {
		fmt.Fprintln(os.Stderr, "echo servers:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// answerEchoes answers whatever comes to so many sockets, until the standard input ends.
func answerEchoes(servers string) error {
	const input, firstExtraFile = 0, 3
	count, err := strconv.Atoi(servers)
	if err != nil {
		return err
	}
	debug.SetGCPercent(-1) // it lives for a repetition
	runtime.LockOSThread()
	all := []*stampedSocket{{fd: input}}
	for n := range count {
		all = append(all, &stampedSocket{fd: firstExtraFile + n})
	}
	for _, s := range all {
		if err := unix.SetNonblock(s.fd, true); err != nil {
			return err
		}
	}
	for {
		if err := awaitAny(time.Hour, all...); err != nil {
			return err
		}
		for _, s := range all[1:] {
			if err := s.answerAll(); err != nil {
				return err
			}
		}
		var told [1]byte
		if n, err := unix.Read(input, told[:]); n == 0 && err == nil {
			return nil
		}
	}
}

// answerAll sends back all that there is. What cannot be sent, as the VIP has just gone, is lost.
func (s *stampedSocket) answerAll() error {
	for {
		datagram, from, _, err := s.receive()
		if err != nil || len(datagram) == 0 {
			return err
		}
		if _, err := s.send(datagram, from); err != nil {
			return err
		}
	}
}
