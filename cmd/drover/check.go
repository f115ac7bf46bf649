package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// errReported is a failure whose details have been printed already.
var errReported = errors.New("see above")

// files is config.Source over the file system.
type files struct{}

func (files) ReadFile(name string) ([]byte, error)  { return os.ReadFile(name) }
func (files) Glob(pattern string) ([]string, error) { return filepath.Glob(pattern) }

// runCheck reports every finding. As for keepalived -t, an interface that this host does not have is an error.
func runCheck(_ context.Context, e env, args []string) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	if err := parseFlags(flags, e, args, true); err != nil {
		return err
	}
	failed := false
	for _, file := range flags.Args() {
		_, findings, err := loadConfig(file)
		if err != nil {
			return err
		}
		for _, f := range findings {
			fmt.Fprintln(e.stdout, f)
		}
		failed = failed || findings.HasErrors()
	}
	if failed {
		return errReported
	}
	return nil
}

// loadConfig reads a configuration and holds it against this host. The Config is nil if a finding is an error.
func loadConfig(file string) (*config.Config, config.Findings, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, nil, fmt.Errorf("ask for the host's name: %w", err)
	}
	label, _, _ := strings.Cut(host, ".")
	cfg, findings := config.Load(file, files{}, config.WithConfigID(label), config.WithEnvironment(os.LookupEnv))
	if cfg == nil {
		return nil, findings, nil
	}
	interfaces, err := netif.Interfaces()
	if err != nil {
		return nil, nil, err
	}
	findings = append(findings, cfg.CheckHost(config.Host{Interfaces: interfaces})...)
	if len(cfg.Instances) == 0 && len(cfg.VirtualServers) == 0 {
		// An editor that truncates first, or a full disk, must not take a running service down.
		findings = append(findings, config.Finding{
			Position: config.Position{File: file, Line: 1, Column: 1}, Severity: config.Error,
			Text: "there is nothing to do: no vrrp_instance and no virtual_server that Drover serves",
		})
	}
	if findings.HasErrors() {
		return nil, findings, nil
	}
	return cfg, findings, nil
}
