package kernels

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// emulator interprets the machine's instructions, so that every host does the same, those without KVM included.
const emulator = "qemu-system-x86_64"

// lifetime is how long a machine may run. It takes three minutes on an idle host.
const lifetime = 12 * time.Minute

// boot runs a machine until it switches itself off, and returns what it wrote to the console.
func boot(t *testing.T, k kernel, root archive) (console string, err error) {
	t.Helper()
	initrd := filepath.Join(t.TempDir(), "initrd")
	if err := os.WriteFile(initrd, root.cpio(), 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(t.Context(), lifetime)
	defer cancel()
	// It waits for its turn: tests that count tenths of a second may run beside it.
	cmd := exec.CommandContext(ctx, "nice", "-n", "19", emulator, "-accel", "tcg", "-smp", "2", "-m", "1024",
		"-nodefaults", "-no-reboot", "-display", "none", "-serial", "stdio",
		"-kernel", k.image, "-initrd", initrd, "-append", commandLine())
	out, err := cmd.CombinedOutput()
	console = strings.ReplaceAll(string(out), "\r", "")
	if ctx.Err() != nil {
		err = errors.Join(err, fmt.Errorf("the machine is still on after %v", lifetime))
	}
	return console, err
}

// commandLine is the kernel's. A panic ends the machine, since it may not reboot. What the kernel does not know becomes
// the environment of init.
func commandLine() string {
	return strings.Join([]string{
		"console=ttyS0", "quiet", "panic=-1", "mitigations=off",
		"DROVER_TEST_STRICT=" + os.Getenv("DROVER_TEST_STRICT"), objectsVariable + "=/objects",
		"DROVER_TEST_EVERY_DEVICE=1", // its modules are there
	}, " ")
}
