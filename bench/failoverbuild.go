package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// droverBinary is the absolute path of the daemon, which is built into a directory if no file is named.
func droverBinary(ctx context.Context, file, dir string) (string, error) {
	if file != "" {
		found, err := exec.LookPath(file)
		if err != nil {
			return "", err
		}
		return filepath.Abs(found)
	}
	built := filepath.Join(dir, "drover")
	output, err := exec.CommandContext(ctx, "go", "build", "-o", built, "drover/cmd/drover").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build the daemon: %w: %s (run in the source, or name a binary with --drover)", err, output)
	}
	return built, nil
}
