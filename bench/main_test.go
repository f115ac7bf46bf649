package main

import (
	"os"
	"testing"

	"drover/bench/ipvs"
)

// TestMain is the init of a user-mode Linux, too: the one that runs this executable.
func TestMain(m *testing.M) {
	ipvs.RunGuest()
	os.Exit(m.Run())
}
