// Command drover is a layer-2 direct-return load balancer: daemon and command line in one binary.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// env is what a command works with besides its arguments.
type env struct {
	stdout, stderr io.Writer
}

// command is one word of the command line.
type command struct {
	name, args, help string
	run              func(ctx context.Context, e env, args []string) error
}

var commands = []command{
	{"run", "[--config F] [--id ID] [--socket S] [--bpffs D] [--xdp-mode native|generic|auto]", "balance until SIGTERM; SIGHUP reloads", runDaemon},
	{"check", "[--json] [--host] [--id ID,...] F...", "report every finding of configuration files as FILE:LINE:COL: error|warning: text", runCheck},
	{"explain", "[--id ID] F", "print the effective configuration, with every default filled in", runExplain},
	{"status", "[--json] [--socket S]", "who is MASTER, virtual servers, real servers, flows, XDP mode", runStatus},
	{"doctor", "[--json] [--config F] [--id ID] [--socket S] [--bpffs D]", "look for what is wrong with this host and on its LAN, with evidence and cure; exit 1 if clients suffer", runDoctor},
	{"reload", "[--socket S]", "have the daemon read its configuration again and print the findings", runReload},
}

// Exit codes.
const (
	exitDone   = 0
	exitFailed = 1 // failed or invalid
	exitUsage  = 2
)

// usageError is a command line that says nothing that drover could do.
type usageError struct{ error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(exitCode(env{os.Stdout, os.Stderr}, dispatch(ctx, env{os.Stdout, os.Stderr}, os.Args[1:])))
}

// endBySignal lets a signal end the process at once from here on: reading a configuration takes no context, and leaves nothing
// to put in order.
func endBySignal(ctx context.Context) error {
	signal.Reset(os.Interrupt, syscall.SIGTERM)
	return context.Cause(ctx) // of a signal that has come already
}

// exitCode says what went wrong on stderr.
func exitCode(e env, err error) int {
	var usage usageError
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return exitDone
	case errors.As(err, &usage):
		complain(e, err)
		return exitUsage
	case errors.Is(err, errReported):
		return exitFailed
	default:
		complain(e, err)
		return exitFailed
	}
}

// complain writes to stderr as the log does: whoever does not read it must not keep the process from ending.
func complain(e env, err error) {
	writer := newLogWriter(e.stderr)
	fmt.Fprintf(writer, "drover: %v\n", err)
	_ = writer.Close() // there is nobody left to tell
}

func dispatch(ctx context.Context, e env, args []string) error {
	if len(args) == 0 {
		return usageError{fmt.Errorf("no command\n%s", help())}
	}
	switch args[0] {
	case "help", "-h", "-help", "--help":
		_, err := io.WriteString(e.stdout, help())
		return err
	}
	if args[0] == vrrpCommand {
		return runVRRP(e)
	}
	for _, c := range commands {
		if c.name == args[0] {
			return c.run(ctx, e, args[1:])
		}
	}
	return usageError{fmt.Errorf("unknown command %q\n%s", args[0], help())}
}

func help() string {
	text := "usage: drover COMMAND [flags]\n\n"
	for _, c := range commands {
		text += fmt.Sprintf("  drover %s %s\n        %s\n", c.name, c.args, c.help)
	}
	return text + "\nExit codes: 0 done, 1 failed or invalid, 2 wrong usage.\n"
}

// parseFlags reads the flags of one command. Without wantArgs, words beside flags are wrong usage.
func parseFlags(flags *flag.FlagSet, e env, args []string, wantArgs bool) error {
	flags.SetOutput(io.Discard) // exitCode tells what is wrong, once
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		flags.SetOutput(e.stdout)
		flags.Usage()
		return err
	case err != nil:
		return usageError{fmt.Errorf("%s: %w (drover %[1]s -h lists the flags)", flags.Name(), err)}
	case !wantArgs && flags.NArg() > 0:
		return usageError{fmt.Errorf("%s takes no argument %q", flags.Name(), flags.Arg(0))}
	case wantArgs && flags.NArg() == 0:
		return usageError{fmt.Errorf("%s wants at least one file", flags.Name())}
	}
	return nil
}
