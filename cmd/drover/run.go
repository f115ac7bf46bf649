package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"drover/ctrl"
	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/dataplane"
)

// defaultConfig is keepalived's own file: the one that people have.
const defaultConfig = "/etc/keepalived/keepalived.conf"

// daemon is `drover run`.
type daemon struct {
	config, id string
	log        *slog.Logger
	vrrp       *exec.Cmd
	controller *ctrl.Controller
	hangup     chan os.Signal
	reloading  sync.Mutex // one at a time, so that who reads the file last is also applied last
	running    *config.Config
	lastReload atomic.Pointer[api.LastReload]
}

func runDaemon(ctx context.Context, e env, args []string) (err error) {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	file := flags.String("config", defaultConfig, "configuration `file`, in keepalived's grammar")
	id := idFlag(flags)
	socket := flags.String("socket", api.DefaultSocket, "unix `socket` for status and reload")
	bpffs := flags.String("bpffs", filepath.Dir(dataplane.DefaultDir), "BPF file system; the maps are pinned in its `directory` drover")
	mode := flags.String("xdp-mode", string(dataplane.ModeAuto), "native, generic, or auto: native where the driver can")
	if err := parseFlags(flags, e, args, false); err != nil {
		return err
	}
	switch dataplane.Mode(*mode) {
	case dataplane.ModeAuto, dataplane.ModeNative, dataplane.ModeGeneric:
	default:
		return usageError{fmt.Errorf("run: --xdp-mode %q: native, generic or auto", *mode)}
	}
	writer := newLogWriter(e.stderr)
	defer func() { err = errors.Join(err, writer.Close()) }()
	d := &daemon{config: *file, id: *id, log: slog.New(slog.NewTextHandler(writer, nil)), hangup: make(chan os.Signal, 1)}
	signal.Notify(d.hangup, syscall.SIGHUP) // from here on it does not end the process
	defer signal.Stop(d.hangup)

	cfg, findings, err := loadConfig(d.config, d.id, nil)
	if err != nil {
		return err
	}
	d.report(findings)
	if d.vrrp, err = e.vrrpProcess(); err != nil {
		return err
	}
	if cfg == nil {
		return fmt.Errorf("%s: not started because of the errors above", d.config)
	}
	d.running = cfg
	return d.serve(ctx, cfg, *socket, dataplane.Options{
		Dir: filepath.Join(*bpffs, filepath.Base(dataplane.DefaultDir)), Sizes: ctrl.SizesFor(cfg),
		Timeouts: ctrl.TimeoutsFor(cfg), Log: d.log,
	}, dataplane.Mode(*mode))
}

// serve runs the controller and the socket until either fails or ctx ends.
func (d *daemon) serve(ctx context.Context, cfg *config.Config, socket string, opts dataplane.Options, mode dataplane.Mode) error {
	listener, err := api.Listen(socket)
	if err != nil {
		return err
	}
	data, err := dataplane.Open(opts)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	d.controller = ctrl.New(ctrl.Options{Data: data, Mode: mode, Log: d.log, VRRP: d.vrrp})

	running, ctx := errgroup.WithContext(ctx)
	ended, end := context.WithCancel(context.WithoutCancel(ctx)) // the socket answers until the controller is done
	running.Go(func() error { defer end(); return d.controller.Run(ctx, cfg) })
	running.Go(func() error {
		return api.Serve(ended, listener, api.Handlers{Status: d.status, Reload: d.reload}, d.log)
	})
	running.Go(func() error { d.followHangups(ended); return nil })
	return running.Wait()
}

func (d *daemon) followHangups(ctx context.Context) {
	for {
		select {
		case <-d.hangup:
			if _, err := d.reload(ctx); err != nil {
				d.log.Error("not reloaded: the running configuration stays", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (d *daemon) status(ctx context.Context) (api.Status, error) {
	s, err := d.controller.Status(ctx)
	s.LastReload = d.lastReload.Load()
	return s, err
}

// reload reads the configuration again, and notes for the status what came of it.
func (d *daemon) reload(ctx context.Context) (api.Reload, error) {
	d.reloading.Lock()
	defer d.reloading.Unlock()
	begun := time.Now()
	answer, err := d.tryReload(ctx)
	took := time.Since(begun)
	last := &api.LastReload{At: begun, TookMS: took.Milliseconds(), Reload: answer}
	if err != nil {
		last.Error = err.Error()
	}
	d.lastReload.Store(last)
	if answer.Applied {
		d.log.Info("reloaded", "config", d.config, "took", took)
	}
	return answer, err
}

// tryReload reads the configuration again. A bad one is refused and the running one stays.
func (d *daemon) tryReload(ctx context.Context) (api.Reload, error) {
	answer := api.Reload{Findings: []string{}}
	cfg, findings, err := loadConfig(d.config, d.id, d.running)
	if err != nil {
		return answer, err
	}
	d.report(findings)
	for _, f := range findings {
		answer.Findings = append(answer.Findings, f.String())
	}
	if cfg == nil {
		d.log.Error("the new configuration is refused: the running one stays", "config", d.config)
		return answer, nil
	}
	if err := d.controller.Reload(ctx, cfg); err != nil {
		return answer, err
	}
	d.running, answer.Applied = cfg, true
	return answer, nil
}

// report logs what is to be known of a configuration.
func (d *daemon) report(findings config.Findings) {
	for _, f := range findings {
		level := slog.LevelWarn
		if f.Severity == config.Error {
			level = slog.LevelError
		}
		d.log.Log(context.Background(), level, f.Text, "at", f.Position.String())
	}
}
