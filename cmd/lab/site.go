package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"drover/bench/testbed"
)

// site is the tutorial's network with everything that runs on it.
type site struct {
	lab    *testbed.Lab
	drover string // the binary
	logs   string // directory with a log file for each host

	mu       sync.Mutex
	services map[string]*testbed.Cmd // host name to what runs on it
}

// siteOptions say how a site is built.
type siteOptions struct {
	drover string // path of the drover binary, empty for the one beside this executable
	logs   string // existing directory
	log    *slog.Logger
}

// buildSite builds the network; nothing runs on its hosts yet.
func buildSite(options siteOptions) (s *site, err error) {
	drover, err := findDrover(options.drover)
	if err != nil {
		return nil, err
	}
	lab, err := testbed.New(testbed.Options{Name: "tutorial", Log: options.log})
	if err != nil {
		return nil, err
	}
	s = &site{lab: lab, drover: drover, logs: options.logs, services: map[string]*testbed.Cmd{}}
	specs := append(webServers(), clientSpec(), proxySpec())
	for _, g := range groups() {
		for _, b := range g.members {
			specs = append(specs, balancerSpec(g, b))
		}
	}
	for _, spec := range specs {
		if _, err := lab.AddHost(spec); err != nil {
			return nil, errors.Join(err, lab.Close())
		}
	}
	return s, nil
}

// findDrover returns the absolute path of the drover binary.
func findDrover(path string) (string, error) {
	if path == "" {
		self, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("find drover: %w", err)
		}
		path = filepath.Join(filepath.Dir(self), "drover")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find drover: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("find drover: %w; build it, or name it with --drover FILE", err)
	}
	if info.IsDir() || info.Mode()&0o111 == 0 {
		return "", fmt.Errorf("find drover: %s is not a program", path)
	}
	return path, nil
}

// startAll starts what every host runs, with fresh log files.
func (s *site) startAll() error {
	for _, h := range s.lab.Hosts() {
		if err := os.Remove(s.logFile(h.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if err := s.start(h); err != nil {
			return err
		}
	}
	return nil
}

// awaitServices waits until every virtual address answers the client.
func (s *site) awaitServices(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	for _, g := range groups() {
		url := "http://" + g.vip.String() + "/"
		var last answer
		err := testbed.Until(ctx, func() (bool, error) {
			last = get(ctx, s.lab.Host(clientName), url)
			return last.err == nil, nil
		})
		if err != nil {
			return fmt.Errorf("%s does not answer: %w (logs are in %s)", url, last.err, s.logs)
		}
	}
	return nil
}

func (s *site) logFile(host string) string { return filepath.Join(s.logs, host+".log") }

// start starts what the host runs after it has booted. Its output goes to the host's log file.
func (s *site) start(h *testbed.Host) error {
	program, args, err := s.service(h.Name())
	if err != nil || program == "" {
		return err
	}
	log, err := os.OpenFile(s.logFile(h.Name()), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := h.Command(context.Background(), program, args...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.services[h.Name()] = cmd
	return nil
}

// service is the command line of what a host runs, empty for nothing.
func (s *site) service(host string) (program string, args []string, err error) {
	self, err := os.Executable()
	if err != nil {
		return "", nil, err
	}
	for _, web := range webServers() {
		if web.Name == host {
			return self, []string{webName, host}, nil
		}
	}
	switch host {
	case clientName:
		return "", nil, nil
	case proxyHostName:
		return self, []string{proxyName}, nil
	}
	return s.drover, []string{"run"}, nil
}

// reboot turns the host off and on and starts its service.
func (s *site) reboot(h *testbed.Host) error {
	if err := h.Reboot(); err != nil {
		return err
	}
	return s.start(h)
}

// stop asks the host's service to end and waits for it. It fails unless the service ends with exit code 0.
func (s *site) stop(host string) error {
	s.mu.Lock()
	cmd := s.services[host]
	delete(s.services, host)
	s.mu.Unlock()
	if cmd == nil {
		return fmt.Errorf("stop %s: nothing runs there", host)
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return fmt.Errorf("stop %s: %w", host, err)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("stop %s: %w", host, err)
	}
	return nil
}

// close tears the network down.
func (s *site) close() error { return s.lab.Close() }
