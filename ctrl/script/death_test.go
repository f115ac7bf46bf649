package script

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

// daemonEnvironment makes the test binary a daemon that runs the script it names.
const daemonEnvironment = "DROVER_TEST_DAEMON_SCRIPT"

func TestMain(m *testing.M) {
	path := os.Getenv(daemonEnvironment)
	if path == "" {
		os.Exit(m.Run())
	}
	l, err := NewLauncher(Settings{})
	if err == nil {
		err = l.Run(context.Background(), []string{path}, os.Getenv("USER"), "")
	}
	if err != nil {
		os.Exit(1)
	}
}

func TestScriptsEndWithADaemonThatIsKilled(t *testing.T) {
	directory := t.TempDir()
	begun, ended := filepath.Join(directory, "begun"), filepath.Join(directory, "ended")
	path := write(t, "trap 'echo TERM > "+ended+"; exit' TERM", "echo > "+begun, "while :; do sleep 0.01; done")
	daemon := exec.Command(os.Args[0])
	daemon.Env = append(os.Environ(), daemonEnvironment+"="+path, "USER="+me(t))
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	read(t, begun)
	if err := daemon.Process.Signal(unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = daemon.Wait() // it was killed
	if got := read(t, ended)[0]; got != "TERM" {
		t.Errorf("the script got %s, want TERM", got)
	}
}

// The kernel sends the signal when a thread ends, so that must be none that the Go runtime gives to others.
func TestScriptsDoNotEndWithAThread(t *testing.T) {
	l := newLauncher(t, Settings{})
	directory := t.TempDir()
	begun, goOn := filepath.Join(directory, "begun"), filepath.Join(directory, "go-on")
	path := write(t, "echo > "+begun, "while [ ! -e "+goOn+" ]; do sleep 0.01; done")
	ended := make(chan error, 1)
	go func() { ended <- l.Run(t.Context(), []string{path}, me(t), "") }()
	read(t, begun)
	var threads sync.WaitGroup
	for range 4 * runtime.GOMAXPROCS(0) {
		threads.Go(runtime.LockOSThread) // a thread that is not given back ends
	}
	threads.Wait()
	if err := os.WriteFile(goOn, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run: %v", err)
	}
}
