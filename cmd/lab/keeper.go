package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"syscall"

	"drover/bench/testbed"
)

// keeperName is the subcommand of the process that owns the network between `lab up` and `lab down`. The other
// commands reach it over a socket in the lab's directory.
const keeperName = "internal-keeper"

// socketName is the keeper's socket in the lab's directory.
const socketName = "control.sock"

// keeperCommand builds the network, reports on descriptor 3 how that went, and keeps it until `lab down` or a signal.
func keeperCommand(ctx context.Context, env environment, args []string) error {
	flags := flag.NewFlagSet(keeperName, flag.ContinueOnError)
	drover := flags.String("drover", "", "")
	logs := flags.String("logs", "", "")
	if err := flags.Parse(args); err != nil {
		return errUsage
	}
	const readyFD = 3
	syscall.CloseOnExec(readyFD) // or the hosts' daemons would hold it open
	ready := os.NewFile(readyFD, "ready")
	log := slog.New(slog.NewTextHandler(env.stdout, nil))
	s, err := buildSite(siteOptions{drover: *drover, logs: *logs, log: log})
	if err != nil {
		fmt.Fprint(ready, err)
		return err
	}
	err = keep(ctx, s, ready)
	return errors.Join(err, s.close())
}

// keep answers orders until ctx ends or somebody orders "down".
func keep(ctx context.Context, s *site, ready io.WriteCloser) error {
	listener, err := net.Listen("unix", filepath.Join(s.lab.Dir(), socketName))
	if err == nil {
		err = s.startAll()
	}
	if err == nil {
		err = s.awaitServices(ctx)
	}
	if err != nil {
		fmt.Fprint(ready, err)
		return err
	}
	if err := ready.Close(); err != nil {
		return err
	}
	down := make(chan struct{})
	mux := orders(s)
	takeDown := sync.OnceFunc(func() { close(down) })
	mux.HandleFunc("POST /down", func(http.ResponseWriter, *http.Request) { takeDown() })
	server := &http.Server{Handler: mux}
	go func() {
		select {
		case <-ctx.Done():
		case <-down:
		}
		_ = server.Shutdown(context.Background()) // Serve tells the outcome
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// orders is what the keeper can be told to do to a host.
func orders(s *site) *http.ServeMux {
	actions := map[string]func(*testbed.Host) error{
		"pull": (*testbed.Host).Pull, "plug": (*testbed.Host).Plug,
		"cut": (*testbed.Host).Cut, "mend": (*testbed.Host).Mend,
		"reboot": s.reboot,
	}
	mux := http.NewServeMux()
	for name, action := range actions {
		mux.HandleFunc("POST /hosts/{host}/"+name, func(w http.ResponseWriter, r *http.Request) {
			host := s.lab.Host(r.PathValue("host"))
			if host == nil {
				http.Error(w, fmt.Sprintf("no host %q: see lab hosts", r.PathValue("host")), http.StatusNotFound)
				return
			}
			if err := action(host); err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
		})
	}
	mux.HandleFunc("GET /hosts", func(w http.ResponseWriter, _ *http.Request) {
		for _, host := range s.lab.Hosts() {
			fmt.Fprintf(w, "%-9s %-15s %s %s\n", host.Name(), host.Address(), host.MAC(), host.Interface())
		}
	})
	return mux
}

// findKept returns the directory of the lab that `lab up` made.
func findKept() (string, error) {
	labs, err := testbed.Labs()
	if err != nil {
		return "", err
	}
	for _, dir := range labs {
		_, err := os.Stat(filepath.Join(dir, socketName))
		if err == nil {
			return dir, nil
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return "", errors.New("no network is up: start one with lab up")
}

// order sends an order to the keeper of the lab and returns its answer.
func order(ctx context.Context, dir, method, path string) (string, error) {
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", filepath.Join(dir, socketName))
		},
		DisableKeepAlives: true,
	}}
	request, err := http.NewRequestWithContext(ctx, method, "http://lab"+path, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s", answer)
	}
	return string(answer), nil
}
