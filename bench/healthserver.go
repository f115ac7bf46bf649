package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"sync"
)

// Ports of the servers, on every address.
const (
	answeringPort uint16 = 80
	flappingPort  uint16 = 81 // of those that reset every other connection
)

// serversVariable makes a process the one of the servers. It finds their listeners among its files.
const serversVariable = "DROVER_BENCH_SERVERS"

// runHealthServers makes the process the one that is checked, if that is what it was started for, and then never returns.
func runHealthServers() {
	if os.Getenv(serversVariable) == "" {
		return
	}
	if err := serveChecks(answerCheck, flap()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// healthServers is the process of the servers.
type healthServers struct {
	cmd   *exec.Cmd
	alive io.Closer
}

// startServers runs them on the processors of their end: a check must not wait for what else runs on this machine.
func (w *healthWire) startServers(ctx context.Context) (s *healthServers, err error) {
	s = new(healthServers)
	if s.cmd, err = w.servers.processors.again(ctx, checkPriority, serversVariable+"=1"); err != nil {
		return nil, err
	}
	if s.alive, err = s.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	err = w.servers.do(func() error {
		for _, port := range []uint16{answeringPort, flappingPort} {
			file, err := listenEverywhere(port)
			if err != nil {
				return err
			}
			defer file.Close() // the process has its own
			s.cmd.ExtraFiles = append(s.cmd.ExtraFiles, file)
		}
		return s.cmd.Start()
	})
	if err != nil {
		return nil, fmt.Errorf("start the servers: %w", err)
	}
	return s, nil
}

func listenEverywhere(port uint16) (*os.File, error) {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{Port: int(port)})
	if err != nil {
		return nil, err
	}
	defer listener.Close()
	return listener.File()
}

// stop ends the process.
func (s *healthServers) stop() error {
	if err := errors.Join(s.alive.Close(), s.cmd.Wait()); err != nil {
		return fmt.Errorf("stop the servers: %w", err)
	}
	return nil
}

// serveChecks hands every connection to the function of its listener, which closes it, until the standard input ends.
func serveChecks(answers ...func(*net.TCPConn)) error {
	const firstExtraFile = 3
	for i, answer := range answers {
		listener, err := net.FileListener(os.NewFile(uintptr(firstExtraFile+i), "listener"))
		if err != nil {
			return err
		}
		go func() {
			for {
				conn, err := listener.Accept()
				if err == nil { // a client that has gone already is none
					go answer(conn.(*net.TCPConn))
				}
			}
		}()
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// answerCheck is a healthy web server.
func answerCheck(conn *net.TCPConn) {
	defer conn.Close()
	var request [1024]byte
	if _, err := conn.Read(request[:]); err == nil {
		_, _ = conn.Write([]byte("HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")) // a check that has gone needs none
	}
}

// flap answers and resets in turns, at each address.
func flap() func(*net.TCPConn) {
	var mu sync.Mutex
	failing := make(map[string]bool)
	return func(conn *net.TCPConn) {
		address := conn.LocalAddr().String()
		mu.Lock()
		fails := failing[address]
		failing[address] = !fails
		mu.Unlock()
		if !fails {
			answerCheck(conn)
			return
		}
		_ = conn.SetLinger(0) // so that the close is a reset; else the check ends early, and fails as well
		conn.Close()
	}
}
