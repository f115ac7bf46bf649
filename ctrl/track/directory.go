package track

import (
	"encoding/binary"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// directoryWatch hears of what happens in the directory of a file, so far as the kernel tells (inotify).
type directoryWatch struct {
	directory string
	heard     chan struct{} // holds a token when something has happened

	events *os.File // nil while nothing is heard
	deaf   chan struct{}
}

// newDirectoryWatch hears nothing before renew.
func newDirectoryWatch(path string) *directoryWatch {
	return &directoryWatch{directory: filepath.Dir(path), heard: make(chan struct{}, 1)}
}

// renew listens, if nobody does: the directory may have come into being, or be another one by now. Where it cannot, the
// caller's own looking around must do.
func (d *directoryWatch) renew() {
	if d.events != nil {
		select {
		case <-d.deaf:
			d.close()
		default:
			return
		}
	}
	fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		return
	}
	events := os.NewFile(uintptr(fd), "inotify")
	const what = unix.IN_CLOSE_WRITE | unix.IN_DELETE | unix.IN_MOVE | theEnd | unix.IN_ONLYDIR
	if _, err := unix.InotifyAddWatch(fd, d.directory, what); err != nil {
		_ = events.Close() // it was only listened on
		return
	}
	d.events, d.deaf = events, make(chan struct{})
	go d.listen(d.events, d.deaf)
}

// listen turns events into tokens until it is closed or the directory is gone.
func (d *directoryWatch) listen(events *os.File, deaf chan<- struct{}) {
	defer wake(d.heard)
	defer close(deaf)
	buffer := make([]byte, unix.SizeofInotifyEvent+unix.NAME_MAX+1)
	for {
		n, err := events.Read(buffer)
		if err != nil || tellsOfEnd(buffer[:n]) {
			return
		}
		wake(d.heard)
	}
}

// theEnd are the events after which the directory is not the one at its path any more.
const theEnd = unix.IN_DELETE_SELF | unix.IN_MOVE_SELF

// tellsOfEnd says whether theEnd is among events, each a struct inotify_event and its name.
func tellsOfEnd(events []byte) bool {
	const maskAt, lengthAt = 4, 12
	for len(events) >= unix.SizeofInotifyEvent {
		if binary.NativeEndian.Uint32(events[maskAt:])&(theEnd|unix.IN_IGNORED) != 0 {
			return true
		}
		length := unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(events[lengthAt:]))
		events = events[min(length, len(events)):]
	}
	return false
}

// close listens no more.
func (d *directoryWatch) close() {
	if d.events != nil {
		_ = d.events.Close() // it was only listened on
		d.events = nil
	}
}

// wake puts a token into a channel that holds one.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default: // there is one
	}
}
