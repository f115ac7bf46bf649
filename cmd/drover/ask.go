package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"time"

	"drover/ctrl/api"
)

func runStatus(ctx context.Context, e env, args []string) error {
	flags := flag.NewFlagSet("status", flag.ContinueOnError)
	socket := flags.String("socket", api.DefaultSocket, "the daemon's unix `socket`")
	asJSON := flags.Bool("json", false, "for programs")
	if err := parseFlags(flags, e, args, false); err != nil {
		return err
	}
	status, err := api.Client{Socket: *socket}.Status(ctx)
	if err != nil {
		return err
	}
	if !*asJSON {
		return api.WriteText(e.stdout, status, time.Now())
	}
	encoder := json.NewEncoder(e.stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(status)
}

func runReload(ctx context.Context, e env, args []string) error {
	flags := flag.NewFlagSet("reload", flag.ContinueOnError)
	socket := flags.String("socket", api.DefaultSocket, "the daemon's unix `socket`")
	if err := parseFlags(flags, e, args, false); err != nil {
		return err
	}
	answer, err := api.Client{Socket: *socket}.Reload(ctx)
	if err != nil {
		return err
	}
	for _, finding := range answer.Findings {
		fmt.Fprintln(e.stdout, finding)
	}
	if !answer.Applied {
		fmt.Fprintln(e.stderr, "drover: refused; the running configuration stays")
		return errReported
	}
	return nil
}
