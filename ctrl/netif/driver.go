package netif

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Driver returns the name of the driver of an interface, such as "igb"; empty for a virtual interface, which has none.
func Driver(ifname string) (string, error) {
	target, err := os.Readlink(filepath.Join("/sys/class/net", ifname, "device/driver"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "", nil
	case err != nil:
		return "", fmt.Errorf("find the driver of %s: %w", ifname, err)
	}
	return filepath.Base(target), nil
}
