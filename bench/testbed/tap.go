package testbed

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Tap sees every frame that enters the switch, once, at the port it enters by. A frame that a balancer sends on is
// seen twice: first from the client to the balancer's hardware address, then from there to the real server's.
//
// A frame that comes out of a cut or pulled cable is not seen.
type Tap struct {
	sw    *Switch
	file  *os.File
	raw   syscall.RawConn
	frame []byte // receive buffer
	oob   []byte // receive buffer for control messages
}

const (
	// tapBuffer is the socket's receive buffer in bytes, forced beyond the machine's limit.
	tapBuffer = 32 << 20
	// maxFrame is the longest frame that a tap takes whole, in bytes.
	maxFrame = 65536
)

// Tap opens a tap. Close, or the lab's end, closes it.
func (l *Lab) Tap() (*Tap, error) {
	t, err := newTap(l.sw)
	if err != nil {
		return nil, err
	}
	l.closeLater(t)
	return t, nil
}

func newTap(sw *Switch) (*Tap, error) {
	t := &Tap{sw: sw, frame: make([]byte, maxFrame), oob: make([]byte, 128)}
	if err := sw.Do(t.open); err != nil {
		return nil, fmt.Errorf("open tap: %w", err)
	}
	return t, nil
}

func (t *Tap) open() error {
	everything := int(htons(unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, everything)
	if err != nil {
		return err
	}
	t.file = os.NewFile(uintptr(fd), "tap")
	t.raw, err = t.file.SyscallConn()
	err = errors.Join(err,
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_IGNORE_OUTGOING, 1),
		unix.SetsockoptInt(fd, unix.SOL_PACKET, unix.PACKET_AUXDATA, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
		unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, tapBuffer),
	)
	if err != nil {
		return errors.Join(err, t.file.Close())
	}
	return nil
}

// Next waits for the next frame. It fails with os.ErrClosed when the tap is closed. Only one goroutine may call it.
func (t *Tap) Next() (Frame, error) {
	for {
		frame, ok, err := t.receive(t.raw.Read)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			frame, ok, err = t.receive(t.pending)
		}
		if err != nil {
			return Frame{}, fmt.Errorf("read tap: %w", err)
		}
		if ok {
			return frame, nil
		}
	}
}

// finish lets Next return the frames that have entered the switch so far, and then fail with os.ErrClosed.
func (t *Tap) finish() error {
	return t.file.SetReadDeadline(time.Unix(1, 0))
}

// pending is RawConn.Read for a tap that is finished: where that would wait, it fails.
func (t *Tap) pending(read func(fd uintptr) bool) error {
	received := false
	if err := t.raw.Control(func(fd uintptr) { received = read(fd) }); err != nil {
		return err
	}
	if !received {
		return os.ErrClosed
	}
	return nil
}

// receive takes one frame off the socket; ok is false for a frame that did not come in by a port. The access is
// RawConn.Read or pending.
func (t *Tap) receive(access func(func(fd uintptr) bool) error) (frame Frame, ok bool, err error) {
	var n, oobn int
	var sender unix.Sockaddr
	var recvErr error
	err = access(func(fd uintptr) bool {
		n, oobn, _, sender, recvErr = unix.Recvmsg(int(fd), t.frame, t.oob, 0)
		return !errors.Is(recvErr, unix.EAGAIN)
	})
	if err != nil {
		return Frame{}, false, err
	}
	if recvErr != nil {
		return Frame{}, false, recvErr
	}
	link, isLink := sender.(*unix.SockaddrLinklayer)
	if !isLink {
		return Frame{}, false, nil
	}
	from, isPort := t.sw.sourceOf(link.Ifindex)
	if !isPort {
		return Frame{}, false, nil
	}
	notes, err := readNotes(t.oob[:oobn])
	if err != nil {
		return Frame{}, false, err
	}
	frame = newFrame(notes.at, from.host, notes.withTag(t.frame[:n]))
	frame.LAN = from.lan
	return frame, true, nil
}

// checkMissed fails when the kernel dropped frames because the tap was not read fast enough. Only the first call since
// the last drop tells.
func (t *Tap) checkMissed() error {
	var stats *unix.TpacketStats
	var err error
	controlErr := t.raw.Control(func(fd uintptr) {
		stats, err = unix.GetsockoptTpacketStats(int(fd), unix.SOL_PACKET, unix.PACKET_STATISTICS)
	})
	if err := errors.Join(controlErr, err); err != nil {
		return fmt.Errorf("read tap statistics: %w", err)
	}
	if stats.Drops > 0 {
		return fmt.Errorf("%d frames were missed", stats.Drops)
	}
	return nil
}

// Close ends the tap and whoever waits in Next. Only the first call does so.
func (t *Tap) Close() error {
	if err := t.file.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

func htons(v uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], v)
	return binary.NativeEndian.Uint16(b[:])
}
