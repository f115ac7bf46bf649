package notify

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/user"
	"reflect"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// FIFO is a named pipe that gets one line for each event, as `INSTANCE "VI_1" MASTER 100`.
type FIFO struct {
	// Path is made, for its owner alone, if it does not exist, and then removed in the end.
	Path string
	// User and Group are whom it is given to when it is made: notify_fifo PATH [USER [GROUP]]. Empty means the daemon's.
	User, Group string
	// Script reads it, or nil: notify_fifo_script. It gets the path as one more argument, is run once, and has a second
	// to end when it has read to the end.
	Script *Script
	// Hears says which events it gets.
	Hears Audience
}

// Audience is which events a FIFO gets.
type Audience int

// The audiences. HearsAll is that of notify_fifo, HearsVRRP of vrrp_notify_fifo, HearsServers of lvs_notify_fifo.
const (
	HearsAll Audience = iota
	HearsVRRP
	HearsServers
)

// of says whether an event is for it.
func (a Audience) of(e Event) bool {
	return a == HearsAll || (a == HearsServers) == e.Subject.Kind.isServer()
}

// fifo is an open FIFO. Its owner also opens it for reading, so that it takes lines while nobody else does: 64 KiB of
// them, which whoever comes later reads.
type fifo struct {
	FIFO
	fd     int
	made   bool // by us
	cancel context.CancelCauseFunc
}

// errTooLong is why a FIFO's script is ended that does not end by itself.
var errTooLong = errors.New("it took too long after the FIFO had been closed")

// updateFIFOs opens and closes FIFOs so that those wanted are open. The caller holds the mutex.
func (n *Notifier) updateFIFOs(wanted []FIFO) error {
	for path, f := range n.fifos {
		if !slices.ContainsFunc(wanted, func(w FIFO) bool { return reflect.DeepEqual(w, f.FIFO) }) {
			n.hangUp(f)
			delete(n.fifos, path)
		}
	}
	var problems []error
	for _, w := range wanted {
		if n.fifos[w.Path] != nil {
			continue
		}
		f, err := openFIFO(w)
		if err != nil {
			problems = append(problems, fmt.Errorf("open FIFO %s: %w", w.Path, err))
			continue
		}
		n.fifos[w.Path] = f
		n.startReader(f)
	}
	return errors.Join(problems...)
}

// openFIFO opens a FIFO so that neither opening nor writing ever waits for a reader.
func openFIFO(options FIFO) (*fifo, error) {
	const mode = 0o600
	err := unix.Mkfifo(options.Path, mode)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	f := &fifo{FIFO: options, made: err == nil}
	f.fd, err = unix.Open(options.Path, unix.O_RDWR|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	var stat unix.Stat_t
	if err = unix.Fstat(f.fd, &stat); err == nil && stat.Mode&unix.S_IFMT != unix.S_IFIFO {
		err = errors.New("there is something else at this path: remove it or choose another")
	}
	if err == nil && f.made {
		err = f.give()
	}
	if err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// give makes the FIFO that of its user and group.
func (f *fifo) give() error {
	const unchanged = -1
	uid, gid := unchanged, unchanged
	if f.User != "" {
		u, err := user.Lookup(f.User)
		if err != nil {
			return err
		}
		if uid, err = strconv.Atoi(u.Uid); err != nil {
			return err
		}
		if gid, err = strconv.Atoi(u.Gid); err != nil {
			return err
		}
	}
	if f.Group != "" {
		g, err := user.LookupGroup(f.Group)
		if err != nil {
			return err
		}
		if gid, err = strconv.Atoi(g.Gid); err != nil {
			return err
		}
	}
	return unix.Fchown(f.fd, uid, gid)
}

// close closes the FIFO, so that who reads it comes to its end, and removes it if it was made here.
func (f *fifo) close() error {
	err := unix.Close(f.fd)
	if f.made {
		err = errors.Join(err, unix.Unlink(f.Path))
	}
	return err
}

// startReader runs the FIFO's script. The caller holds the mutex.
func (n *Notifier) startReader(f *fifo) {
	ctx, cancel := context.WithCancelCause(n.ctx)
	f.cancel = cancel
	if !f.Script.runs() {
		return
	}
	n.working.Go(func() {
		command := append(slices.Clip(f.Script.Command), f.Path)
		err := n.run(ctx, command, f.Script.User, f.Script.Group)
		n.mu.Lock()
		defer n.mu.Unlock()
		if n.fifos[f.Path] == f && !n.closed {
			n.log.Warn("the script that reads a FIFO has ended; it is not run again until its configuration changes",
				"fifo", f.Path, "script", command[0], "error", err)
		}
	})
}

// hangUp closes a FIFO, and ends its script if that does not do so by itself. The caller holds the mutex.
func (n *Notifier) hangUp(f *fifo) {
	if err := f.close(); err != nil {
		n.log.Warn("a FIFO was not closed", "fifo", f.Path, "error", err)
	}
	time.AfterFunc(lastPatience, func() { f.cancel(errTooLong) })
}

// write writes the line of e to each FIFO that hears of it and has room for it: all of it, or, as less than a pipe's PIPE_BUF, nothing.
// The caller holds the mutex.
func (n *Notifier) write(e Event) {
	for _, f := range n.fifos {
		if !f.Hears.of(e) {
			continue
		}
		if _, err := unix.Write(f.fd, []byte(e.line())); err != nil {
			n.counts.LostLines++
			n.log.Warn("a FIFO did not take a line: nobody reads it, or not fast enough",
				"fifo", f.Path, "kind", e.Subject.Kind, "name", e.Subject.Name, "state", e.State, "error", err)
		}
	}
}
