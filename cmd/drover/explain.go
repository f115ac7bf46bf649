package main

import (
	"context"
	"flag"
	"fmt"
	"io"
)

// runExplain prints the effective configuration of a file. Findings go to stderr, so that stdout is a configuration.
func runExplain(ctx context.Context, e env, args []string) error {
	flags := flag.NewFlagSet("explain", flag.ContinueOnError)
	id := idFlag(flags)
	if err := parseFlags(flags, e, args, true); err != nil {
		return err
	}
	if flags.NArg() > 1 {
		return usageError{fmt.Errorf("explain takes one file, not %d", flags.NArg())}
	}
	if err := endBySignal(ctx); err != nil {
		return err
	}
	cfg, findings, err := readConfig(filesNamed(flags.Arg(0)), flags.Arg(0), *id)
	if err != nil {
		return err
	}
	for _, f := range findings {
		if _, err := fmt.Fprintln(e.stderr, f); err != nil {
			return err
		}
	}
	if cfg == nil {
		return errReported
	}
	text, err := cfg.Explain()
	if err != nil {
		return fmt.Errorf("explain %s: %w", flags.Arg(0), err)
	}
	_, err = io.WriteString(e.stdout, text)
	return err
}
