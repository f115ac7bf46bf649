package ctrl

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

// ears are the sockets that adverts come to. The thread of the elections waits for all of them in the kernel and reads
// them itself: between an advert and whoever must hear it before a timer no other thread has to wake up.
type ears struct {
	log *slog.Logger
	fd  int // an epoll, readable while an advert waits
	// lost is told of adverts that were too many. It must not wait.
	lost func(ifname string, count uint64)

	mu   sync.Mutex
	byFD map[int]*ear
}

// ear is the socket of an interface.
type ear struct {
	ifname string
	socket socket
	deaf   bool // reading has failed; it and the share belong to the elections
	share  bucket
}

// socket is a netif.VRRPConn, as far as it hears.
type socket interface {
	Descriptor() int
	Receive() (p netif.Packet, ok bool, err error)
	Discard() (lost uint64, err error)
}

// heard is an advert, and the virtual router that it is about.
type heard struct {
	by     routerKey
	packet netif.Packet
}

func newEars(log *slog.Logger) (*ears, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	return &ears{log: log, fd: fd, lost: func(string, uint64) {}, byFD: make(map[int]*ear)}, nil
}

// open hears an interface's socket from now on, until close is called, which must be before the socket is closed.
func (e *ears) open(ifname string, s socket) (closeEar func() error, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	one := &ear{ifname: ifname, socket: s}
	if err := e.await(one); err != nil {
		return nil, fmt.Errorf("hear %s: %w", ifname, err)
	}
	e.byFD[s.Descriptor()] = one
	return func() error { return e.shut(one) }, nil
}

func (e *ears) await(one *ear) error {
	fd := one.socket.Descriptor()
	event := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(e.fd, unix.EPOLL_CTL_ADD, fd, &event))
}

// ignore undoes await; an ear that rests is ignored already.
func (e *ears) ignore(one *ear) error {
	err := unix.EpollCtl(e.fd, unix.EPOLL_CTL_DEL, one.socket.Descriptor(), nil)
	if err != nil && !errors.Is(err, unix.ENOENT) {
		return os.NewSyscallError("epoll_ctl", err)
	}
	return nil
}

func (e *ears) shut(one *ear) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.byFD, one.socket.Descriptor())
	return e.ignore(one)
}

// ready lists those in which something waits; not all, when many do.
func (e *ears) ready() ([]*ear, error) {
	var events [16]unix.EpollEvent
	n, err := unix.EpollWait(e.fd, events[:], 0)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return nil, os.NewSyscallError("epoll_wait", err)
	}
	if n <= 0 {
		return nil, nil
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	all := make([]*ear, 0, n)
	for _, event := range events[:n] {
		if one := e.byFD[int(event.Fd)]; one != nil {
			all = append(all, one)
		}
	}
	return all, nil
}

// take hands on what waits in one ear, so many at most, and tells how many it was. So many instances share the interface.
func (e *ears) take(one *ear, most, instances int, hear func(heard)) (taken int) {
	for ; taken < most; taken++ {
		if !one.share.take(time.Now(), instances) {
			e.spare(one)
			return taken
		}
		p, ok, err := one.socket.Receive()
		if err != nil {
			e.rest(one, err)
			return taken
		}
		one.deaf = false
		if !ok {
			return taken
		}
		if id, ok := vrrp.VirtualRouterID(p.Payload); ok {
			hear(heard{routerKey{one.ifname, id, p.Source.Is6()}, p})
		}
	}
	return taken
}

// spare leaves an ear alone that hears too much. What has come meanwhile is thrown away: later it would be old.
func (e *ears) spare(one *ear) {
	err := e.leave(one, floodPause, func() {
		lost, err := one.socket.Discard()
		e.lost(one.ifname, lost)
		if err != nil && !errors.Is(err, net.ErrClosed) {
			e.log.Error("adverts that are too many could not be thrown away", "interface", one.ifname, "error", err)
		}
	})
	if err != nil {
		e.log.Error("adverts that are too many are heard", "interface", one.ifname, "error", err)
	}
}

// rest leaves an ear that fails alone for a while, so that a failure that lasts does not keep a CPU busy.
func (e *ears) rest(one *ear, failure error) {
	const pause = 100 * time.Millisecond
	if errors.Is(failure, net.ErrClosed) {
		return
	}
	err := e.leave(one, pause, func() {})
	if !one.deaf {
		one.deaf = true
		e.log.Error("reading adverts fails; trying again", "interface", one.ifname, "error", errors.Join(failure, err))
	}
}

// leave has an ear ignored for a while, and something done before it is heard again.
func (e *ears) leave(one *ear, pause time.Duration, before func()) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byFD[one.socket.Descriptor()] != one {
		return nil // closed meanwhile
	}
	err := e.ignore(one)
	time.AfterFunc(pause, func() {
		before()
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.byFD[one.socket.Descriptor()] != one {
			return
		}
		if err := e.await(one); err != nil {
			e.log.Error("adverts are not heard any more", "interface", one.ifname, "error", err)
		}
	})
	return err
}

func (e *ears) close() error { return os.NewSyscallError("close", unix.Close(e.fd)) }
