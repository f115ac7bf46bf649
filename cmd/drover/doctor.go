package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"path/filepath"

	"drover/ctrl"
	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/dataplane"
)

// runDoctor looks for what is wrong with this host, with and without the daemon.
func runDoctor(ctx context.Context, e env, args []string) error {
	flags := flag.NewFlagSet("doctor", flag.ContinueOnError)
	file := flags.String("config", defaultConfig, "configuration `file`, in keepalived's grammar")
	id := idFlag(flags)
	socket := flags.String("socket", api.DefaultSocket, "unix `socket` of the daemon")
	bpffs := flags.String("bpffs", filepath.Dir(dataplane.DefaultDir), "BPF file system, a `directory`")
	asJSON := flags.Bool("json", false, "print the findings as JSON")
	if err := parseFlags(flags, e, args, false); err != nil {
		return err
	}
	findings, err := examine(ctx, *file, *id, *socket, *bpffs)
	if err != nil {
		return err
	}
	if *asJSON {
		out := json.NewEncoder(e.stdout)
		out.SetIndent("", "  ")
		err = out.Encode(findings)
	} else {
		err = tellFindings(e, findings)
	}
	if err != nil {
		return err
	}
	for _, f := range findings {
		if f.Severity == api.SeverityError {
			return errReported
		}
	}
	return nil
}

func tellFindings(e env, findings []api.Finding) error {
	if len(findings) == 0 {
		_, err := fmt.Fprintln(e.stdout, "nothing is wrong")
		return err
	}
	return api.WriteFindings(e.stdout, findings)
}

// examine gathers all findings, the worst first.
func examine(ctx context.Context, file, id, socket, bpffs string) ([]api.Finding, error) {
	var status *api.Status
	s, err := api.Client{Socket: socket}.Status(ctx)
	switch {
	case err == nil:
		status = &s
	case !errors.Is(err, api.ErrNotRunning):
		return nil, err
	}
	cfg, wrong := examineConfig(file, id)
	examination, err := ctrl.Examine(cfg, bpffs, socket, status)
	if err != nil {
		return nil, err
	}
	findings := append(examination.Findings(), wrong...)
	api.SortFindings(findings)
	return findings, nil
}

// examineConfig reads the configuration; one that cannot be used is itself a finding.
func examineConfig(file, id string) (*config.Config, []api.Finding) {
	wrong := api.Finding{
		Severity: api.SeverityError, Kind: "config", Subject: file, Text: "the configuration cannot be used",
		Cure: "drover check " + file + " says all that is wrong",
	}
	cfg, findings, err := loadConfig(file, id, nil)
	if err != nil {
		wrong.Evidence = err.Error()
		return nil, []api.Finding{wrong}
	}
	for _, f := range findings {
		if f.Severity == config.Error {
			wrong.Evidence = f.String()
			return nil, []api.Finding{wrong}
		}
	}
	return cfg, nil
}
