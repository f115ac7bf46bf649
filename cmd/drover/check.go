package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"strings"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// errReported is a failure whose details have been printed already.
var errReported = errors.New("see above")

// runCheck reports every finding, sorted. It needs nothing but the files, unless --host is asked for. Several files are
// checked together, too, as those of the members of a pair.
func runCheck(ctx context.Context, e env, args []string) error {
	flags := flag.NewFlagSet("check", flag.ContinueOnError)
	asJSON := flags.Bool("json", false, "print the findings as JSON")
	withHost := flags.Bool("host", false, "check against the interfaces, addresses and drivers of this host, too")
	ids := idsFlag(flags)
	if err := parseFlags(flags, e, args, true); err != nil {
		return err
	}
	if err := endBySignal(ctx); err != nil {
		return err
	}
	var options []config.Option
	if *withHost {
		host, err := thisHost()
		if err != nil {
			return err
		}
		options = append(options, config.WithHost(host))
	}
	source := filesNamed(flags.Args()...)
	var all []config.Findings
	var machines []*config.Config
	for _, file := range flags.Args() {
		for id := range strings.SplitSeq(*ids, ",") {
			cfg, findings, err := readConfig(source, file, id, options...)
			if err != nil {
				return err
			}
			all, machines = append(all, findings), append(machines, cfg)
		}
	}
	findings := config.Merge(append(all, config.CheckTogether(machines))...)
	if err := printFindings(e, findings, *asJSON); err != nil {
		return err
	}
	if findings.HasErrors() {
		return errReported
	}
	return nil
}

// idsFlag adds the flag for the machines that conditional lines are read for.
func idsFlag(flags *flag.FlagSet) *string {
	return flags.String("id", "", "configuration `IDs`, separated by commas, that conditional lines (@ID) are read for (default: the host's name)")
}

// idFlag adds the flag for the machine that conditional lines are read for (keepalived: --config-id).
func idFlag(flags *flag.FlagSet) *string {
	return flags.String("id", "", "configuration `ID` that conditional lines (@ID) are read for (default: the host's name)")
}

// jsonFinding is a finding in the output of drover check --json.
type jsonFinding struct {
	File     string `json:"file"`
	Line     int    `json:"line"`     // from 1
	Column   int    `json:"column"`   // in bytes, from 1
	Severity string `json:"severity"` // "error" or "warning"
	Text     string `json:"text"`
	Keyword  string `json:"keyword"` // what it is about; may be empty
	Hint     string `json:"hint"`    // the keyword that was probably meant; may be empty
}

// printFindings prints findings one a line, or as a JSON object with the member findings.
func printFindings(e env, findings config.Findings, asJSON bool) error {
	if !asJSON {
		for _, f := range findings {
			if _, err := fmt.Fprintln(e.stdout, f); err != nil {
				return err
			}
		}
		return nil
	}
	list := make([]jsonFinding, 0, len(findings))
	for _, f := range findings {
		list = append(list, jsonFinding{f.File, f.Line, f.Column, f.Severity.String(), f.Text, f.Keyword, f.Hint})
	}
	encoder := json.NewEncoder(e.stdout)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(map[string]any{"findings": list})
}

// readConfig reads a configuration for the machine of an id; an empty one stands for the first label of the host's name.
// The Config is nil if a finding is an error.
func readConfig(source config.Source, file, id string, options ...config.Option) (*config.Config, config.Findings, error) {
	if id == "" {
		name, err := os.Hostname()
		if err != nil {
			return nil, nil, fmt.Errorf("ask for the host's name: %w", err)
		}
		id, _, _ = strings.Cut(name, ".")
	}
	options = append([]config.Option{config.WithConfigID(id), config.WithEnvironment(os.LookupEnv)}, options...)
	cfg, findings := config.Load(file, source, options...)
	if cfg == nil {
		return nil, findings, nil
	}
	if len(cfg.Instances) == 0 && len(cfg.VirtualServers) == 0 {
		// An editor that truncates first, or a full disk, must not take a running service down.
		nothing := config.Finding{
			Position: config.Position{File: file, Line: 1, Column: 1}, Severity: config.Error,
			Text: "there is nothing to do: no vrrp_instance and no virtual_server that Drover serves",
		}
		return nil, config.Merge(findings, config.Findings{nothing}), nil
	}
	return cfg, findings, nil
}

// loadConfig reads a configuration for the machine of an id, as readConfig does, to run it in the place of another one, or of
// none, and wants the interfaces that it names on this host. The Config is nil if a finding is an error.
func loadConfig(file, id string, running *config.Config) (*config.Config, config.Findings, error) {
	cfg, findings, err := readConfig(files{}, file, id)
	if cfg == nil || err != nil {
		return nil, findings, err
	}
	interfaces, err := netif.Interfaces()
	if err != nil {
		return nil, nil, err
	}
	host := config.Host{Interfaces: interfaces, Starting: running == nil}
	if running != nil {
		host.Away = running.InterfaceNames()
	}
	findings = config.Merge(findings, cfg.CheckHost(host))
	if findings.HasErrors() {
		return nil, findings, nil
	}
	return cfg, findings, nil
}

// findFile says why a file is not there.
func findFile(name string) error {
	info, err := os.Stat(name)
	return reason(readable(name, isRegular, info, err))
}

// findProgram says why a program cannot be run, whether it is in PATH or has a path.
func findProgram(name string) error {
	_, err := exec.LookPath(name)
	return reason(err)
}

// reason strips what was done with which file, which the finding tells itself.
func reason(err error) error {
	var path *fs.PathError
	var program *exec.Error
	switch {
	case errors.As(err, &path):
		return path.Err
	case errors.As(err, &program):
		return program.Err
	}
	return err
}

// thisHost asks for the interfaces of this host. One that goes away meanwhile is passed over.
func thisHost() (config.Host, error) {
	names, err := netif.Interfaces()
	if err != nil {
		return config.Host{}, err
	}
	host := config.Host{Interfaces: names, Links: map[string]config.HostLink{}, File: findFile, Program: findProgram}
	for _, name := range names {
		link, err := netif.Link(name)
		if errors.Is(err, netif.ErrNoInterface) {
			continue
		}
		if err != nil {
			return config.Host{}, err
		}
		addresses, err := netif.Addresses(name)
		if err != nil {
			return config.Host{}, err
		}
		driver, err := netif.Driver(name)
		if err != nil {
			return config.Host{}, err
		}
		host.Links[name] = config.HostLink{Up: link.Usable(), MTU: link.MTU, Driver: driver, Addresses: addresses}
	}
	return host, nil
}
