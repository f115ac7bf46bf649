package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"drover/bench/testbed"
)

// checkPort is that of the real servers and of the virtual server: keepalived wants them to be the same in DR mode.
const checkPort = 80

// mortal is a real server that goes down and comes back, and what a daemon holds of it.
type mortal struct {
	address netip.AddrPort
	of      detectCase

	mu       sync.Mutex
	listener net.Listener
	dying    bool      // it goes down after the next check
	silent   bool      // it is down, and takes connections
	served   time.Time // when it had answered the last check that passed
	fell     time.Time // when the daemon held it for down
	up       bool      // what the daemon holds
}

// mortals are a server for each case, with addresses of their own for each daemon.
func mortals(daemon byte, loop time.Duration) (all []*mortal) {
	for i, c := range detectCases(loop) {
		address := netip.AddrFrom4([4]byte{127, 2, daemon, byte(i + 1)})
		all = append(all, &mortal{address: netip.AddrPortFrom(address, checkPort), of: c})
	}
	return all
}

// live makes the server answer.
func (m *mortal) live() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.silent {
		m.silent = false
		return nil
	}
	listener, err := net.Listen("tcp4", m.address.String())
	if err != nil {
		return fmt.Errorf("open a server: %w", err)
	}
	m.listener = listener
	go func() {
		for conn, err := listener.Accept(); err == nil; conn, err = listener.Accept() { // until it is closed
			go m.serve(conn.(*net.TCPConn))
		}
	}()
	return nil
}

// serve answers a check, and then goes down if its time has come. A check that only connects is answered by that.
func (m *mortal) serve(conn *net.TCPConn) {
	if m.isSilent() {
		defer conn.Close()
		var request [1024]byte
		for _, err := conn.Read(request[:]); err == nil; _, err = conn.Read(request[:]) { // until the check hangs up
		}
		return
	}
	answerCheck(conn)
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.dying {
		return
	}
	m.dying, m.served = false, time.Now()
	if m.of.silent {
		m.silent = true
		return
	}
	m.listener.Close()
}

func (m *mortal) isSilent() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.silent
}

// note takes in what the daemon holds from now on.
func (m *mortal) note(up bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.up && !up {
		m.fell = time.Now()
	}
	m.up = up
}

// held waits until the daemon holds the server for up, or for down.
func (m *mortal) held(ctx context.Context, up bool) error {
	patience := 10*time.Second + 10*m.of.loop // for a machine that is busy with other things
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := testbed.Until(ctx, func() (bool, error) {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.up == up, nil
	})
	if err != nil {
		return fmt.Errorf("%s is not held for up: %v after %v: %w", m.address, up, patience, err)
	}
	return nil
}

// die has the server go down after a check that passes, and come back when the daemon has noticed. It returns how long
// that took.
func (m *mortal) die(ctx context.Context) (took time.Duration, err error) {
	if err := m.held(ctx, true); err != nil {
		return 0, err
	}
	m.mu.Lock()
	m.dying = true
	m.mu.Unlock()
	if err := m.held(ctx, false); err != nil {
		return 0, err
	}
	m.mu.Lock()
	took = m.fell.Sub(m.served)
	m.mu.Unlock()
	return took, m.live()
}
