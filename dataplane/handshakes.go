package dataplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"
	"unsafe"

	"drover/bpf"
)

// Handshakes count how the handshakes with a real server go. The numbers wrap around: what counts is how they differ from
// those of a little while ago.
type Handshakes struct {
	Opened    uint32 // TCP connections that the real server was given
	Completed uint32 // of these: whose client has gone on
	// waited is the time from the SYN until the client went on, of all completed ones together, in jiffies. One that took
	// more than a second counts as a second.
	waited uint32
	hz     uint32
}

// WaitedSince is how long those clients waited, all together, that completed their handshakes since an earlier count. It
// is a multiple of a jiffy, 1 to 10 ms.
func (h Handshakes) WaitedSince(earlier Handshakes) time.Duration {
	return time.Duration(h.waited-earlier.waited) * time.Second / time.Duration(max(h.hz, 1))
}

// Where an entry has its counts, and its size, in bytes.
const (
	openedAt       = unsafe.Offsetof(bpf.DroverHandshakes{}.Opened)
	completedAt    = unsafe.Offsetof(bpf.DroverHandshakes{}.Completed)
	waitedAt       = unsafe.Offsetof(bpf.DroverHandshakes{}.Waited)
	handshakesSize = int(unsafe.Sizeof(bpf.DroverHandshakes{}))
)

// Handshakes reads the counts of the real servers with the ids from 0 to less than a number into a slice indexed by id,
// which it returns; buffer may hold its memory. It makes no system call but for the first, and takes some 5 ns for each
// real server. An id that is not given has counts that mean nothing. It is for one goroutine at a time.
func (d *DataPlane) Handshakes(ids int, buffer []Handshakes) ([]Handshakes, error) {
	d.growing.RLock()
	defer d.growing.RUnlock()
	memory, err := d.objects.Handshakes.Memory()
	if err != nil {
		return nil, fmt.Errorf("map the handshakes into memory: %w", err)
	}
	ids = min(ids, int(d.objects.Handshakes.MaxEntries()))
	counts := buffer[:0]
	var piece [256 * handshakesSize]byte
	for len(counts) < ids {
		size := min(ids-len(counts), len(piece)/handshakesSize) * handshakesSize
		n, err := memory.ReadAt(piece[:size], int64(len(counts)*handshakesSize))
		if err != nil && !errors.Is(err, io.EOF) || n < size {
			return nil, fmt.Errorf("read the handshakes: %w", errors.Join(err, io.ErrUnexpectedEOF))
		}
		for raw := piece[:size]; len(raw) > 0; raw = raw[handshakesSize:] {
			counts = append(counts, Handshakes{
				Opened:    binary.NativeEndian.Uint32(raw[openedAt:]),
				Completed: binary.NativeEndian.Uint32(raw[completedAt:]),
				waited:    binary.NativeEndian.Uint32(raw[waitedAt:]), hz: uint32(d.hz),
			})
		}
	}
	return counts, nil
}
