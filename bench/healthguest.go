package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"

	"drover/ctrl/health"
	"drover/ctrl/netif"
)

// follow has each daemon check a server for each case. All go down in each round, each when it has just passed.
func (o detectOrder) follow(ctx context.Context) (found detections, err error) {
	if err := runIP(ctx, "link set lo up"); err != nil {
		return found, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	servers := map[daemonKind][]*mortal{droverDaemon: mortals(1, o.Loop)}
	start := map[daemonKind]func(context.Context, []*mortal) error{droverDaemon: checkByDrover}
	if o.Keepalived {
		servers[keepalivedDaemon], start[keepalivedDaemon] = mortals(2, o.Loop), checkByKeepalived
	}
	for daemon, all := range servers {
		for _, m := range all {
			if err := m.live(); err != nil {
				return found, err
			}
		}
		if err := start[daemon](ctx, all); err != nil {
			return found, fmt.Errorf("%s: %w", daemon, err)
		}
	}
	var kernel unix.Utsname
	if err := unix.Uname(&kernel); err != nil {
		return found, err
	}
	found = detections{Kernel: unix.ByteSliceToString(kernel.Release[:]), Took: make(map[string][][]time.Duration)}
	for range o.Rounds {
		deaths, within := errgroup.WithContext(ctx)
		for daemon, all := range servers {
			took := make([]time.Duration, len(all))
			found.Took[string(daemon)] = append(found.Took[string(daemon)], took)
			for i, m := range all {
				deaths.Go(func() (err error) {
					if took[i], err = m.die(within); err != nil {
						return fmt.Errorf("%s: %w", daemon, err)
					}
					return nil
				})
			}
		}
		if err := deaths.Wait(); err != nil {
			return found, err
		}
	}
	return found, nil
}

// checkByDrover checks the servers until ctx ends.
func checkByDrover(ctx context.Context, all []*mortal) error {
	for _, m := range all {
		kind, probes, err := m.of.probes()
		if err != nil {
			return err
		}
		checker, err := health.NewChecker(health.CheckerConfig{
			Target: health.Target{Address: m.address}, Probes: probes,
			Settings: health.Settings{Kind: kind, Interval: m.of.loop, Retry: detectRetries, DelayBeforeRetry: m.of.loop},
			Report:   func(v health.Verdict) { m.note(v.Up) },
		})
		if err != nil {
			return err
		}
		go func() { _ = checker.Run(ctx) }() // it ends with the context
	}
	return nil
}

func (c detectCase) probes() (health.Kind, []health.Probe, error) {
	if c.keyword == "TCP_CHECK" {
		probe, err := health.TCPConnect(health.TCPSettings{Network: netif.HostDialer{}, ConnectTimeout: c.loop})
		return health.KindTCP, []health.Probe{probe}, err
	}
	probes, err := health.HTTPGet(health.HTTPSettings{
		Network: netif.HostDialer{}, ConnectTimeout: c.loop, URLs: []health.URL{{Path: "/index.html"}},
	})
	return health.KindHTTP, probes, err
}

// keepalivedChecks is where keepalived finds its configuration, in the machine's own /run.
const keepalivedChecks = "/run/checks.conf"

// checkByKeepalived has keepalived check the servers until ctx ends.
func checkByKeepalived(ctx context.Context, all []*mortal) error {
	if err := os.WriteFile(keepalivedChecks, []byte(checksConfig(all)), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "keepalived", "--check", "--dont-fork", "--log-console", "--use-file", keepalivedChecks)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	log, write := io.Pipe()
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		return err
	}
	go heed(io.TeeReader(log, os.Stderr), all) // so that the console has it, should the machine fail
	go func() { write.CloseWithError(errors.Join(cmd.Wait(), io.EOF)) }()
	return nil
}

// checksConfig is what the checks of the other daemon are, in keepalived's words.
func checksConfig(all []*mortal) string {
	var config strings.Builder
	fmt.Fprintf(&config, "global_defs {\n  process_names\n}\nvirtual_server 192.0.2.1 %d {\n  delay_loop %g\n  lb_algo rr\n  lb_kind DR\n  protocol TCP\n",
		checkPort, all[0].of.loop.Seconds())
	for _, m := range all {
		url := ""
		if m.of.keyword == "HTTP_GET" {
			url = "\n      url {\n        path /index.html\n      }"
		}
		fmt.Fprintf(&config, `  real_server %s %d {
    %s {
      connect_timeout %g
      retry %d
      delay_before_retry %g
      warmup 0%s
    }
  }
`, m.address.Addr(), m.address.Port(), m.of.keyword, m.of.loop.Seconds(), detectRetries, m.of.loop.Seconds(), url)
	}
	config.WriteString("}\n")
	return config.String()
}

// heed reads what keepalived logs of the servers.
func heed(log io.Reader, all []*mortal) {
	for lines := bufio.NewScanner(log); lines.Scan(); {
		line := lines.Text()
		for _, m := range all {
			if !strings.Contains(line, "["+m.address.Addr().String()+"]") {
				continue
			}
			switch {
			case strings.Contains(line, "_CHECK on service") && strings.Contains(line, "failed"):
				m.note(false)
			case strings.Contains(line, "succeed on service"), strings.Contains(line, "TCP connection") && strings.Contains(line, "success"):
				m.note(true)
			}
		}
	}
}
