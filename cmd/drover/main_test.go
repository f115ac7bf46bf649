package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"testing"

	"drover/bench/testbed"
)

// asDrover makes the test binary be drover itself, so that the tests run the real command without building it apart.
const asDrover = "DROVER_TEST_AS_DROVER"

func TestMain(m *testing.M) {
	testbed.RunChild()
	if os.Getenv(asDrover) != "" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		defer stop()
		e := env{os.Stdout, os.Stderr}
		os.Exit(exitCode(e, dispatch(ctx, e, os.Args[1:])))
	}
	os.Exit(m.Run())
}
