package testbed

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Labs returns the directories of the labs that run on this machine, whatever process they belong to.
func Labs() ([]string, error) { return labsIn(runRoot) }

func labsIn(root string) ([]string, error) {
	locks, err := filepath.Glob(filepath.Join(root, "*", "lock"))
	if err != nil {
		return nil, err
	}
	var dirs []string
	for _, name := range locks {
		lock, err := lockFile(name, unix.LOCK_SH|unix.LOCK_NB)
		switch {
		case errors.Is(err, unix.EWOULDBLOCK):
			dirs = append(dirs, filepath.Dir(name))
			continue
		case errors.Is(err, os.ErrNotExist): // removed since it was listed
			continue
		case err != nil:
			return nil, err
		}
		if err := lock.Close(); err != nil { // free: its owner is dead
			return nil, err
		}
	}
	return dirs, nil
}

// OpenHost opens the namespaces of a host of a lab that another process owns, by the lab's directory. The caller
// closes them.
func OpenHost(labDir, host string) (*Namespaces, error) {
	dir := &runDir{path: labDir}
	init, err := dir.readInit(host)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: there is no such host, or %w", host, ErrHostOff)
	}
	if err != nil {
		return nil, fmt.Errorf("open host %s: %w", host, err)
	}
	ns, err := openNamespaces(init.PID)
	if err != nil {
		return nil, fmt.Errorf("open host %s: %w", host, err)
	}
	// The number may have passed to another process; not after this.
	if !init.alive() {
		return nil, errors.Join(fmt.Errorf("open host %s: %w", host, ErrHostOff), ns.Close())
	}
	return ns, nil
}
