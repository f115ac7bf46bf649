package netif

import (
	"errors"
	"net/netip"

	"golang.org/x/sys/unix"
)

// socketKind is what sockets are told apart by before anything is done to them.
type socketKind struct{ domain, kind, protocol int }

func kindFor(vip netip.Addr, kind int) socketKind {
	if vip.Unmap().Is6() {
		return socketKind{unix.AF_INET6, kind, 0}
	}
	return socketKind{unix.AF_INET, kind, 0}
}

// socketBatch is how many sockets are made at a time. Having the thread in the namespace do something takes several times
// as long as making a socket, so it is asked for some that will be wanted soon.
const socketBatch = 16

// spareSockets has room for sockets of every kind.
func spareSockets() map[socketKind]chan int {
	spare := make(map[socketKind]chan int)
	for _, k := range []socketKind{
		{unix.AF_INET, unix.SOCK_STREAM, 0}, {unix.AF_INET6, unix.SOCK_STREAM, 0},
		{unix.AF_INET, unix.SOCK_DGRAM, 0}, {unix.AF_INET6, unix.SOCK_DGRAM, 0},
		{unix.AF_INET, unix.SOCK_DGRAM, unix.IPPROTO_ICMP}, {unix.AF_INET6, unix.SOCK_DGRAM, unix.IPPROTO_ICMPV6},
	} {
		spare[k] = make(chan int, socketBatch)
	}
	return spare
}

// socket opens a socket of the namespace.
func (s *ProbeSpace) socket(k socketKind) (fd int, err error) {
	select {
	case fd = <-s.spare[k]:
		return fd, nil
	default:
	}
	err = s.thread.do(func() error {
		if fd, err = k.open(); err != nil {
			return err
		}
		for range socketBatch {
			one, err := k.open()
			if err != nil {
				return nil // who wants another one will meet the error
			}
			select {
			case s.spare[k] <- one:
			default: // others have asked at the same time
				return unix.Close(one)
			}
		}
		return nil
	})
	return fd, err
}

func (k socketKind) open() (fd int, err error) {
	return unix.Socket(k.domain, k.kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, k.protocol)
}

// closeSpare closes the sockets that nobody has asked for.
func (s *ProbeSpace) closeSpare() error {
	var errs []error
	for _, spare := range s.spare {
		for {
			select {
			case fd := <-spare:
				errs = append(errs, unix.Close(fd))
				continue
			default:
			}
			break
		}
	}
	return errors.Join(errs...)
}
