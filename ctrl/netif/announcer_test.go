package netif

import (
	"errors"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

func TestAnAnnouncerSaysWhyAnInterfaceCannotBeToldOfAVIP(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		a, err := OpenAnnouncer()
		if err != nil {
			return err
		}
		link, err := Link(testInterface)
		if err != nil {
			return err
		}
		loopback, err := Link("lo")
		if err != nil {
			return err
		}
		loopback.MAC = nil // which is what one without Ethernet has
		if err := a.Announce(loopback, vip, nil); err == nil {
			t.Error("announced where there is no Ethernet")
		}
		h.setUp(false)
		if err := a.Announce(link, vip, nil); !errors.Is(err, unix.ENETDOWN) {
			t.Errorf("while the link is down: %v", err)
		}
		h.setUp(true) // there is nothing that would be reported once more
		if err := a.Announce(link, vip, nil); err != nil {
			t.Errorf("after the link is up again: %v", err)
		}
		h.withLink(netlink.LinkDel)
		if err := a.Announce(link, vip, nil); !errors.Is(err, ErrNoInterface) {
			t.Errorf("after the interface was removed: %v", err)
		}
		return a.Close()
	})
}
