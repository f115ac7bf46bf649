package health

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Runner runs programs.
type Runner interface {
	// Run runs a program to its end, as this user and group; empty names mean the default ones. It returns nil if it exits
	// with 0, and an error that wraps an [os/exec.ExitError] if it ends otherwise; every other error means that it was
	// not run. When ctx ends it ends the program, with all that the program started, and returns the cause.
	Run(ctx context.Context, command []string, user, group string) error
}

// MiscSettings describe a MISC_CHECK. The zero value of every field but Runner and Command is its default.
type MiscSettings struct {
	// Runner runs the program.
	Runner Runner
	// Command is the program and its arguments (keepalived: misc_path).
	Command []string
	// Timeout is how long the program may run (keepalived: misc_timeout, default the virtual server's delay_loop, which
	// the caller fills in). Above 0.
	Timeout time.Duration
	// Dynamic lets the exit status set the weight: 2 to 255 are healthy with the weight 0 to 253 (keepalived:
	// misc_dynamic). 0 leaves the weight alone. Default false: only 0 is healthy.
	Dynamic bool
	// User and Group run the program (keepalived: user). Default those of all scripts.
	User, Group string
}

// leastDynamic is the lowest exit status of a misc_dynamic program that sets a weight, which is that much lower.
const leastDynamic = 2

// Misc returns the probe of a MISC_CHECK. It returns an error if a setting is out of its range.
func Misc(settings MiscSettings) (Probe, error) {
	switch {
	case settings.Runner == nil:
		return nil, errors.New("check has nothing to run programs with")
	case len(settings.Command) == 0:
		return nil, errors.New("check has no program to run")
	case settings.Timeout <= 0:
		return nil, fmt.Errorf("time for the program of %v is not above 0", settings.Timeout)
	}
	return func(ctx context.Context, _ Target) Answer {
		return settings.judge(settings.run(ctx))
	}, nil
}

// run runs the program.
func (s MiscSettings) run(ctx context.Context) error {
	overtime := fmt.Errorf("timed out after %v", s.Timeout)
	ctx, cancel := context.WithTimeoutCause(ctx, s.Timeout, overtime)
	defer cancel()
	err := s.Runner.Run(ctx, s.Command, s.User, s.Group)
	if err == nil || ctx.Err() != nil || errors.As(err, new(exiting)) {
		return err
	}
	// As to keepalived, a program that cannot be run is no fault of the real server.
	return fmt.Errorf("%w: %w", ErrNotAsked, err)
}

// judge makes an answer of how the program ended.
func (s MiscSettings) judge(err error) Answer {
	if code := exitCode(err); s.Dynamic && code >= leastDynamic {
		return Answer{Weight: Weight{SetWeight, code - leastDynamic}}
	}
	if err != nil {
		return failed(fmt.Errorf("%s: %w", s.Command[0], err))
	}
	return Answer{}
}

// exiting is what an [os/exec.ExitError] says of a program that was run. The code is negative if a signal ended it.
type exiting interface{ ExitCode() int }

// exitCode is the status that a program exited with, or negative if there is none.
func exitCode(err error) int {
	var exit exiting
	if !errors.As(err, &exit) {
		return -1
	}
	return exit.ExitCode()
}
