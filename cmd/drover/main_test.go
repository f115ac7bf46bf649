package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strconv"
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
	if os.Getenv(asTimers) != "" {
		if err := timers(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	flag.Parse()
	if err := atOnce(3); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// atOnce has so many tests run at the same time, where -parallel does not say otherwise: they wait more than they work,
// but many of them would disturb each other's timers.
func atOnce(tests int) error {
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given || runtime.GOMAXPROCS(0) > tests {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(tests))
}
