package netif

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// sysctl is a setting, of an interface or as a path below net.
type sysctl struct {
	name, value string
}

// sysctlPath is the file of a setting: family "ipv4" or "ipv6", of an interface, of all or the default.
func sysctlPath(family, ifname, name string) string {
	return filepath.Join("/proc/sys/net", family, "conf", ifname, name)
}

func readSysctl(family, ifname, name string) (string, error) {
	value, err := os.ReadFile(sysctlPath(family, ifname, name))
	if err != nil {
		return "", fmt.Errorf("read net.%s.conf.%s.%s: %w", family, ifname, name, err)
	}
	return strings.TrimSpace(string(value)), nil
}

func writeSysctl(family, ifname, name, value string) error {
	if err := os.WriteFile(sysctlPath(family, ifname, name), []byte(value), 0); err != nil {
		return fmt.Errorf("set net.%s.conf.%s.%s=%s: %w", family, ifname, name, value, err)
	}
	return nil
}
