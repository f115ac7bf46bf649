package testbed

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// runRoot holds one directory for each lab of the machine.
const runRoot = "/run/drover-lab"

// A runDir is the record of one lab on the machine. Its owner holds a lock on it for as long as it lives, so an
// unlocked directory is what a crashed run left behind.
//
//	/run/drover-lab/ID/lock         locked by the owner
//	/run/drover-lab/ID/hosts/NAME   the host's init, as a processID in JSON
type runDir struct {
	path string
	lock *os.File
}

// claimRunDir removes the directories of dead owners and makes a new one.
func claimRunDir(root, name string, log *slog.Logger) (*runDir, error) {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return nil, err
	}
	// The root's lock covers the moments in which a directory exists without a locked file in it.
	rootLock, err := lockFile(filepath.Join(root, ".lock"), unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	defer rootLock.Close()
	if err := sweep(root, log); err != nil {
		return nil, err
	}
	path, err := os.MkdirTemp(root, name+"-")
	if err != nil {
		return nil, err
	}
	if err := os.Mkdir(filepath.Join(path, "hosts"), 0o755); err != nil {
		return nil, err
	}
	lock, err := lockFile(filepath.Join(path, "lock"), unix.LOCK_EX)
	if err != nil {
		return nil, err
	}
	return &runDir{path: path, lock: lock}, nil
}

// sweep removes the labs whose owner is dead. Their inits end by themselves; one that does not is killed here. The
// caller holds the root's lock.
func sweep(root string, log *slog.Logger) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		path := filepath.Join(root, entry.Name())
		lock, err := lockFile(filepath.Join(path, "lock"), unix.LOCK_EX|unix.LOCK_NB)
		if errors.Is(err, unix.EWOULDBLOCK) {
			continue
		}
		if err != nil {
			return err
		}
		log.Info("removing the lab of a dead process", "lab", entry.Name())
		dir := &runDir{path: path, lock: lock}
		dir.killInits(log)
		if err := dir.discard(); err != nil {
			return fmt.Errorf("remove leftover %s: %w", path, err)
		}
	}
	return nil
}

func (d *runDir) id() string { return filepath.Base(d.path) }

func (d *runDir) hostFile(name string) string { return filepath.Join(d.path, "hosts", name) }

func (d *runDir) recordInit(host string, init processID) error {
	data, err := json.Marshal(init)
	if err != nil {
		return err
	}
	return os.WriteFile(d.hostFile(host), data, 0o644)
}

func (d *runDir) forgetInit(host string) error {
	err := os.Remove(d.hostFile(host))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (d *runDir) readInit(host string) (processID, error) {
	var init processID
	data, err := os.ReadFile(d.hostFile(host))
	if err != nil {
		return init, err
	}
	return init, json.Unmarshal(data, &init)
}

// killInits kills the inits on record. A record that cannot be read is no obstacle: its init ended with its owner.
func (d *runDir) killInits(log *slog.Logger) {
	hosts, err := os.ReadDir(filepath.Join(d.path, "hosts"))
	if err != nil {
		log.Warn("cannot list the hosts of a dead lab", "lab", d.id(), "error", err)
		return
	}
	for _, host := range hosts {
		init, err := d.readInit(host.Name())
		if err == nil {
			err = init.kill()
		}
		if err != nil {
			log.Warn("cannot end a host of a dead lab", "lab", d.id(), "host", host.Name(), "error", err)
		}
	}
}

// remove deletes the directory at the end of the lab's life.
func (d *runDir) remove() error {
	rootLock, err := lockFile(filepath.Join(filepath.Dir(d.path), ".lock"), unix.LOCK_EX)
	if err != nil {
		return err
	}
	defer rootLock.Close()
	return d.discard()
}

// discard deletes the directory; the caller holds the root's lock.
func (d *runDir) discard() error {
	return errors.Join(os.RemoveAll(d.path), d.lock.Close())
}

// lockFile opens or creates the file and locks it until it is closed.
func lockFile(name string, how int) (*os.File, error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(file.Fd()), how); err != nil {
		return nil, errors.Join(fmt.Errorf("lock %s: %w", name, err), file.Close())
	}
	return file, nil
}
