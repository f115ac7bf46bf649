package main

import (
	"os"
	"testing"

	"drover/bench/ipvs"
	"drover/bench/testbed"
)

// TestMain is the init of a user-mode Linux, too, and of the testbed's hosts: they run this executable.
func TestMain(m *testing.M) {
	ipvs.RunGuest(guestJobs()...)
	testbed.RunChild()
	runHealthServers()
	runEchoServers()
	runFailoverClient()
	runHealthChecker()
	os.Exit(m.Run())
}
