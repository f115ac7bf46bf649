package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"sync"
	"syscall"

	"drover/bench/testbed"
)

// daemonKind is what a node runs.
type daemonKind string

const (
	droverDaemon     daemonKind = "drover"
	keepalivedDaemon daemonKind = "keepalived"
)

// command is the command line of the daemon.
func (k daemonKind) command(drover string) []string {
	if k == keepalivedDaemon {
		return []string{"keepalived", "--vrrp", "--dont-fork", "--log-console", "--use-file", failoverConfig}
	}
	return []string{drover, "run", "--config", failoverConfig}
}

// failoverConfig is where a node has its configuration.
const failoverConfig = "/etc/keepalived/keepalived.conf"

// balancerInterface is a node's interface on the LAN.
const balancerInterface = "enp1s0"

// config is the configuration of either daemon.
func (a adverts) config(priority int) string {
	var global, authentication string
	vip := echoAddress()
	if a.version == 3 {
		global = "global_defs {\n  vrrp_version 3\n}\n"
	} else {
		authentication = "  authentication {\n    auth_type PASS\n    auth_pass def345\n  }\n"
	}
	return fmt.Sprintf(`%svrrp_instance SERVICE {
  state BACKUP
  interface %s
  virtual_router_id 110
  priority %d
  advert_int %g
%s  virtual_ipaddress {
    %s/24 dev %s
  }
}
virtual_server %s %d {
  delay_loop 1
  lb_algo rr
  lb_kind DR
  protocol UDP
  real_server %s %d {
    weight 1
  }
}
`, global, balancerInterface, priority, a.interval.Seconds(), authentication, vip.Addr(), balancerInterface,
		vip.Addr(), vip.Port(), failoverReal(), vip.Port())
}

// node is one of the two balancers.
type node struct {
	host       *testbed.Host
	kind       daemonKind
	args       []string // the daemon's command line
	processors share
	run        *testbed.Cmd
	log        logTail
}

func (n *node) address() netip.Addr { return n.host.Address() }

// start starts the daemon, once the one before has ended.
func (n *node) start(ctx context.Context) error {
	if err := n.end(); err != nil {
		return err
	}
	n.run = n.host.Command(ctx, n.args[0], n.args[1:]...)
	n.run.Stdout, n.run.Stderr = &n.log, &n.log
	return n.run.Start()
}

// kill ends the daemon and its children as kill -9 does.
func (n *node) kill() error {
	if err := syscall.Kill(-n.run.Process.Pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill %s on %s: %w", n.kind, n.host.Name(), err)
	}
	return nil
}

// stop asks the daemon to leave, and does not wait for it.
func (n *node) stop() error {
	if err := n.run.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s on %s: %w", n.kind, n.host.Name(), err)
	}
	return nil
}

// end waits for the daemon that was killed or stopped, if there is one. One that does not leave ends with the context
// that it was started with.
func (n *node) end() error {
	if n.run == nil {
		return nil
	}
	var exit *exec.ExitError
	err := n.run.Wait()
	if errors.As(err, &exit) && !exit.Exited() { // killed
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s on %s: %w", n.kind, n.host.Name(), err)
	}
	return nil
}

// logTail keeps the last of what a daemon writes.
type logTail struct {
	mu   sync.Mutex
	text []byte
}

const tailBytes = 4096

func (l *logTail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, p...)
	if excess := len(l.text) - tailBytes; excess > 0 {
		l.text = append(l.text[:0], l.text[excess:]...)
	}
	return len(p), nil
}

func (l *logTail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}
