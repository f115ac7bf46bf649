package ctrl

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"drover/ctrl/netif"
)

// inbox is a socket that a test puts packets into.
type inbox struct {
	t  *testing.T
	fd int // an eventfd that counts them

	mu      sync.Mutex
	packets []netif.Packet
	failure error // of the next Receive
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	fd, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK|unix.EFD_SEMAPHORE)
	if err != nil {
		t.Fatal(err)
	}
	i := &inbox{t: t, fd: fd}
	t.Cleanup(func() {
		if err := unix.Close(i.fd); err != nil {
			t.Error(err)
		}
	})
	return i
}

func (i *inbox) put(packets ...netif.Packet) {
	i.t.Helper()
	i.mu.Lock()
	defer i.mu.Unlock()
	i.packets = append(i.packets, packets...)
	for range packets {
		if _, err := unix.Write(i.fd, []byte{1, 0, 0, 0, 0, 0, 0, 0}); err != nil {
			i.t.Fatal(err)
		}
	}
}

func (i *inbox) Descriptor() int { return i.fd }

func (i *inbox) Receive() (netif.Packet, bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if err := i.failure; err != nil {
		i.failure = nil
		return netif.Packet{}, false, err
	}
	var count [8]byte
	if _, err := unix.Read(i.fd, count[:]); errors.Is(err, unix.EAGAIN) {
		return netif.Packet{}, false, nil
	} else if err != nil {
		return netif.Packet{}, false, err
	}
	first := i.packets[0]
	i.packets = i.packets[1:]
	return first, true, nil
}

func (i *inbox) Discard() (lost uint64, err error) {
	for ok := true; ok && err == nil; lost++ {
		_, ok, err = i.Receive()
	}
	return lost - 1, err
}

// listen has the elections hear an inbox as if it were the socket of an interface.
func (p *polls) listen(ifname string) *inbox {
	p.t.Helper()
	i := newInbox(p.t)
	end, err := p.ears.open(ifname, i)
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if err := end(); err != nil {
			p.t.Error(err)
		}
	})
	return i
}

func TestAFailingEarRestsAndIsReadAgain(t *testing.T) {
	var log bytes.Buffer
	e, err := newEars(slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	i := newInbox(t)
	end, err := e.open("enp1s0", i)
	if err != nil {
		t.Fatal(err)
	}
	var vrids []uint8
	take := func() (asked int) {
		ready, err := e.ready()
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range ready {
			e.take(one, 1, 1, func(h heard) { vrids = append(vrids, h.by.vrid) })
		}
		return len(ready)
	}
	i.put(advertOf(t, 110, 12), advertOf(t, 111, 12))
	take()
	i.failure = errors.New("no memory")
	take()
	if asked := take(); asked != 0 {
		t.Error("it is read again at once")
	}
	const rested = 10_000 // milliseconds
	if _, err := unix.Poll([]unix.PollFd{{Fd: int32(e.fd), Events: unix.POLLIN}}, rested); err != nil {
		t.Fatal(err)
	}
	take()
	if want := []uint8{110, 111}; !slices.Equal(vrids, want) {
		t.Errorf("heard of the virtual routers %v, want %v", vrids, want)
	}
	if n := strings.Count(log.String(), "no memory"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log.String())
	}
	i.put(advertOf(t, 112, 12))
	if err := end(); err != nil {
		t.Fatal(err)
	}
	if asked := take(); asked != 0 {
		t.Error("it is read although it is heard no more")
	}
	if err := e.close(); err != nil {
		t.Error(err)
	}
}
