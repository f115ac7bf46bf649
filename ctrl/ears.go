package ctrl

import (
	"errors"
	"fmt"
	"log/slog"
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

	mu   sync.Mutex
	byFD map[int]*ear
}

// ear is the socket of an interface.
type ear struct {
	ifname string
	socket socket
	deaf   bool // reading has failed; it belongs to the elections
}

// socket is a netif.VRRPConn, as far as it hears.
type socket interface {
	Descriptor() int
	Receive() (p netif.Packet, ok bool, err error)
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
	return &ears{log: log, fd: fd, byFD: make(map[int]*ear)}, nil
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

// take hands on what waits in one ear, so many at most, and tells how many it was.
func (e *ears) take(one *ear, most int, hear func(heard)) (taken int) {
	for ; taken < most; taken++ {
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

// rest leaves an ear that fails alone for a while, so that a failure that lasts does not keep a CPU busy.
func (e *ears) rest(one *ear, failure error) {
	const pause = 100 * time.Millisecond
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byFD[one.socket.Descriptor()] != one {
		return // closed meanwhile
	}
	err := e.ignore(one)
	if !one.deaf {
		one.deaf = true
		e.log.Error("reading adverts fails; trying again", "interface", one.ifname, "error", errors.Join(failure, err))
	}
	time.AfterFunc(pause, func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.byFD[one.socket.Descriptor()] != one {
			return
		}
		if err := e.await(one); err != nil {
			e.log.Error("adverts are not heard any more", "interface", one.ifname, "error", err)
		}
	})
}

func (e *ears) close() error { return os.NewSyscallError("close", unix.Close(e.fd)) }
