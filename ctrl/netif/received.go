package netif

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Received counts the frames that an interface has received, whatever became of them, by its driver's own counter. Reading
// it takes none of the kernel's locks that others hold for long. It follows its interface under another name.
type Received struct {
	file *os.File
	text [32]byte
}

// OpenReceived opens the counter of an interface. The error wraps ErrNoInterface. Needs the /sys of the network namespace.
func OpenReceived(ifname string) (*Received, error) {
	file, err := os.Open(filepath.Join("/sys/class/net", ifname, "statistics/rx_packets"))
	if errors.Is(err, os.ErrNotExist) {
		err = errors.Join(ErrNoInterface, err)
	}
	if err != nil {
		return nil, fmt.Errorf("count what %s receives: %w", ifname, err)
	}
	return &Received{file: file}, nil
}

// Frames is the counter as it is now. After the interface has gone the error wraps ErrNoInterface. One goroutine at a time
// may call it.
func (r *Received) Frames() (uint64, error) {
	n, err := r.file.ReadAt(r.text[:], 0)
	if errors.Is(err, unix.ENODEV) {
		err = errors.Join(ErrNoInterface, err)
	}
	if n == 0 {
		return 0, fmt.Errorf("count received frames: %w", err)
	}
	frames, err := strconv.ParseUint(strings.TrimSpace(string(r.text[:n])), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("count received frames: %w", err)
	}
	return frames, nil
}

// Close releases the file.
func (r *Received) Close() error { return r.file.Close() }
