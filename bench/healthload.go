package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// healthFindings is what the checking process has to say.
type healthFindings struct {
	Rounds   []healthRound
	Memory   float64         // MB, the most that the process had in its rounds
	Refusals []time.Duration // how long a check took that was refused
	Flapping flapFindings
	Falls    detections
}

// healthRound is a round of checks.
type healthRound struct {
	Checks, OnTime int
	Late99         time.Duration // 99 of 100 checks started that late, or less
	Took, Used     time.Duration // of the clock, and of the processor
}

// flapFindings is what is left of servers that rose and fell.
type flapFindings struct {
	Servers, Transitions int
	Files, Goroutines    int     // more than before
	Heap                 float64 // MB more than before
}

// healthOrder tells the checking process what to do. It finds it in its environment.
type healthOrder struct {
	Servers  int
	Port     uint16 // of the servers that answer, on every address of 127.0.0.0/8
	Flappy   uint16 // of those that reset every other connection
	Seconds  int
	Rounds   int
	Flapping time.Duration
	Falls    *detectOrder // if not nil, this and nothing else
}

const healthVariable = "DROVER_BENCH_HEALTH"

// checkMany has another process check servers of this one. It is called in private namespaces.
func checkMany(ctx context.Context, o healthOptions) (found healthFindings, err error) {
	if err := runIP(ctx, "link set lo up"); err != nil {
		return found, err
	}
	if err := receiveElsewhere(); err != nil {
		return found, err
	}
	answering, err := serveChecks(answerCheck)
	if err != nil {
		return found, err
	}
	defer answering.close()
	flapping, err := serveChecks(flap())
	if err != nil {
		return found, err
	}
	defer flapping.close()
	order := healthOrder{
		Servers: o.servers, Port: answering.port(), Flappy: flapping.port(), Seconds: o.seconds, Rounds: o.rounds, Flapping: o.flapping,
	}
	return runChecker(ctx, order)
}

// receiveElsewhere has the packets of the servers received by their processors. Otherwise the kernel does the servers' part
// of a connection where the checks are made, since that is where packets over loopback are sent. It is called in private
// namespaces.
func receiveElsewhere() error {
	_, others, err := shares()
	if err != nil {
		return err
	}
	if err := unix.Mount("sysfs", "/sys", "sysfs", 0, ""); err != nil { // that of the network namespace
		return fmt.Errorf("mount /sys: %w", err)
	}
	if err := os.WriteFile("/sys/class/net/lo/queues/rx-0/rps_cpus", []byte(others.mask()), 0); err != nil {
		return fmt.Errorf("choose who receives packets: %w", err)
	}
	return nil
}

// runChecker runs the checking process in the namespaces of the thread, on one processor, which it has for itself as far
// as it wants it: what else runs on this machine is not what is measured.
func runChecker(ctx context.Context, order healthOrder) (found healthFindings, err error) {
	first, _, err := shares()
	if err != nil {
		return found, err
	}
	text, err := json.Marshal(order)
	if err != nil {
		return found, err
	}
	self, err := os.Executable()
	if err != nil {
		return found, err
	}
	command := append([]string{"chrt", "--fifo", "10"}, first[:1].restrict([]string{self})...)
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Env = append(os.Environ(), healthVariable+"="+string(text))
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return found, fmt.Errorf("checking process: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	if err := json.Unmarshal(stdout.Bytes(), &found); err != nil {
		return found, fmt.Errorf("read what the checking process says: %w", err)
	}
	return found, nil
}

// checkedServer answers checks on every loopback address.
type checkedServer struct {
	listener *net.TCPListener
	done     chan struct{}
}

// serveChecks hands every connection to the function, which closes it.
func serveChecks(answer func(*net.TCPConn)) (*checkedServer, error) {
	listener, err := net.ListenTCP("tcp4", nil)
	if err != nil {
		return nil, fmt.Errorf("listen for checks: %w", err)
	}
	s := &checkedServer{listener, make(chan struct{})}
	go func() {
		defer close(s.done)
		for {
			conn, err := listener.AcceptTCP()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil { // a client that has gone already is none
				go answer(conn)
			}
		}
	}()
	return s, nil
}

func (s *checkedServer) port() uint16 { return s.listener.Addr().(*net.TCPAddr).AddrPort().Port() }

func (s *checkedServer) close() {
	s.listener.Close()
	<-s.done
}

// answerCheck is a healthy web server.
func answerCheck(conn *net.TCPConn) {
	defer conn.Close()
	var request [1024]byte
	if _, err := conn.Read(request[:]); err == nil {
		_, _ = conn.Write([]byte("HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n")) // a check that has gone needs none
	}
}

// flap answers and resets in turns.
func flap() func(*net.TCPConn) {
	turns := make(chan bool, 1)
	turns <- true
	return func(conn *net.TCPConn) {
		healthy := <-turns
		turns <- !healthy
		if healthy {
			answerCheck(conn)
			return
		}
		_ = conn.SetLinger(0) // so that the close is a reset
		conn.Close()
	}
}
