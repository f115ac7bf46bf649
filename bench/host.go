package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// hostAndKernel says what the measurements were taken on.
func hostAndKernel() (host, kernel string, err error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return "", "", fmt.Errorf("uname: %w", err)
	}
	cpuinfo, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "", "", fmt.Errorf("read the processor's name: %w", err)
	}
	host = fmt.Sprintf("%s, %s, %s", processor(cpuinfo), countOf(runtime.NumCPU(), "CPU"), runtime.GOARCH)
	return host, unix.ByteSliceToString(name.Release[:]), nil
}

// processor finds the name in /proc/cpuinfo; arm64 has none there.
func processor(cpuinfo []byte) string {
	for lines := bufio.NewScanner(bytes.NewReader(cpuinfo)); lines.Scan(); {
		key, value, _ := strings.Cut(lines.Text(), ":")
		if strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unnamed processor"
}
