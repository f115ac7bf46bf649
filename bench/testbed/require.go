package testbed

import "os"

// tester is the part of testing.TB that Require needs.
type tester interface {
	Helper()
	Skip(args ...any)
	Fatal(args ...any)
}

// Require skips the test when the process cannot make a lab because it is not root. With DROVER_TEST_STRICT=1 in the
// environment the test fails instead.
func Require(t tester) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	const reason = "the testbed needs root"
	if os.Getenv("DROVER_TEST_STRICT") == "1" {
		t.Fatal(reason)
	}
	t.Skip(reason)
}
