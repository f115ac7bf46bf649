package track

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"
)

// lookAgain is how often files and processes are looked at without cause, for what is not heard of at once: a file on a
// file system without inotify, a process that has begun.
const lookAgain = time.Second

// mostFile is how much of a tracked file is read, in bytes. keepalived reads less.
const mostFile = 4096

// watch reads the file whenever something happens in its directory, and every second.
func (o FileOptions) watch(ctx context.Context, t *Tracker, last Result, tell func(Result)) {
	w := &fileWatch{FileOptions: o, tell: tell, log: t.config.Log.With("file", o.Name), last: last}
	if last.State == Unknown && o.Init != nil {
		if err := o.Init.write(o.Path); err != nil {
			w.log.Warn("a track_file cannot be initialized", "error", err)
		}
	}
	changes := newDirectoryWatch(o.Path)
	defer changes.close()
	ticker := time.NewTicker(lookAgain)
	defer ticker.Stop()
	for {
		changes.renew()
		w.look()
		select {
		case <-ctx.Done():
			return
		case <-changes.heard:
		case <-ticker.C:
		}
	}
}

// fileWatch is a file that is watched.
type fileWatch struct {
	FileOptions
	tell   func(Result)
	log    *slog.Logger
	last   Result
	empty  bool   // the file was empty at the last look
	broken string // why the file could not be read at the last look, or empty
}

// look reads the file and tells its value. A file that is there but empty is one that somebody is about to write: it
// counts as 0 when it is still so at the next look. One that cannot be read counts as unchanged.
func (w *fileWatch) look() {
	text, err := readFile(w.Path)
	justEmptied := err == nil && text == "" && !w.empty && w.last.State != Unknown
	w.empty = err == nil && text == ""
	if justEmptied {
		return
	}
	value, err := parseFile(w.Path, text, err)
	if err != nil {
		w.complain(err)
		return
	}
	w.broken = ""
	w.last.State, w.last.Value = Up, value
	w.tell(w.last)
}

// complain logs why the file says nothing, once.
func (w *fileWatch) complain(err error) {
	if reason := err.Error(); reason != w.broken {
		w.broken = reason
		w.log.Warn("a track_file cannot be read; it counts as unchanged", "error", err)
	}
}

// write makes the file, or with Overwrite changes it.
func (i FileInit) write(path string) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if i.Overwrite {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	const mode = 0o644
	file, err := os.OpenFile(path, flags, mode)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = file.WriteString(strconv.Itoa(i.Value) + "\n")
	return errors.Join(err, file.Close())
}

// readFile returns what a file begins with. It does not wait, whatever kind of file it is.
func readFile(path string) (string, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", fmt.Errorf("open %s: %w", path, err)
	}
	text := make([]byte, mostFile)
	n, err := unix.Read(fd, text)
	if err := errors.Join(err, unix.Close(fd)); err != nil {
		return "", fmt.Errorf("read %s: %w", path, err)
	}
	return string(text[:n]), nil
}

// parseFile is the value of a file that was read with this outcome: 0 if there is none.
func parseFile(path, text string, err error) (int, error) {
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	value, err := parseNumber(text)
	if err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	return value, nil
}
