package netif

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// LinkEvent is a change of one interface.
type LinkEvent struct {
	Link    LinkInfo // with Removed the last known state
	Removed bool     // the interface is gone, or has this name no more: then the same Index comes again under another
}

// AddressEvent is an address that came to an interface or left it.
type AddressEvent struct {
	Interface string
	Prefix    netip.Prefix
	Removed   bool
}

// WatchLinks reports every interface once as it is, then each change, until ctx is done (nil). An interface that is
// removed and created again is a removal and an appearance under another Index; one that gets another name is the removal
// of the old name and an appearance of the new one. When the kernel had to drop
// notifications all links are read again, and what differs is reported. The error is one that ends the watch.
func WatchLinks(ctx context.Context, report func(LinkEvent)) error {
	known := linkTable{}
	err := watch(ctx, watcher{
		groups: []uint{unix.RTNLGRP_LINK},
		reread: func(handle *netlink.Handle) error {
			links, err := dump(handle.LinkList)
			if err != nil {
				return fmt.Errorf("list links: %w", err)
			}
			present := make([]LinkInfo, 0, len(links))
			for _, link := range links {
				present = append(present, linkInfo(link))
			}
			known.replace(present, report)
			return nil
		},
		message: func(_ *netlink.Handle, message syscall.NetlinkMessage) error {
			return known.message(message, report)
		},
	})
	if err != nil {
		return fmt.Errorf("watch links: %w", err)
	}
	return nil
}

// WatchAddresses reports every address of every interface once, then each that is added or removed, whoever does it,
// until ctx is done (nil). With another name of the interface all its addresses leave the old name and come to the new
// one. Lost notifications are made up for as in WatchLinks.
func WatchAddresses(ctx context.Context, report func(AddressEvent)) error {
	known := addressTable{}
	err := watch(ctx, watcher{
		groups: []uint{unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_LINK}, // links for their names
		reread: func(handle *netlink.Handle) error {
			addrs, err := dump(func() ([]netlink.Addr, error) { return handle.AddrList(nil, netlink.FAMILY_ALL) })
			if err != nil {
				return fmt.Errorf("list addresses: %w", err)
			}
			present := make([]addressKey, 0, len(addrs))
			for _, addr := range addrs {
				present = append(present, addressKey{addr.LinkIndex, prefixOf(addr)})
			}
			return known.replace(present, nameBy(handle), report)
		},
		message: func(handle *netlink.Handle, message syscall.NetlinkMessage) error {
			return known.message(message, nameBy(handle), report)
		},
	})
	if err != nil {
		return fmt.Errorf("watch addresses: %w", err)
	}
	return nil
}

// watcher is a subscription to netlink groups: how to read all there is, and what to do with one notification.
type watcher struct {
	groups  []uint
	reread  func(*netlink.Handle) error
	message func(*netlink.Handle, syscall.NetlinkMessage) error
}

// watch runs until ctx is done. When the kernel had to drop notifications it starts over with a new subscription: what is
// still queued in the old one is older than the reading that follows, and would be mistaken for news.
func watch(ctx context.Context, w watcher) error {
	for {
		err := w.run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if !errors.Is(err, unix.ENOBUFS) {
			return err
		}
	}
}

// run subscribes before it reads, so that nothing happens unseen in between.
func (w watcher) run(ctx context.Context) error {
	socket, err := nl.Subscribe(unix.NETLINK_ROUTE, w.groups...)
	if err != nil {
		return fmt.Errorf("subscribe: %w", err)
	}
	defer socket.Close()
	stop := context.AfterFunc(ctx, socket.Close)
	defer stop()

	handle, err := netlink.NewHandle(unix.NETLINK_ROUTE)
	if err != nil {
		return fmt.Errorf("open netlink: %w", err)
	}
	defer handle.Close()

	if err := w.reread(handle); err != nil {
		return err
	}
	for {
		messages, from, err := socket.Receive()
		if err != nil {
			return fmt.Errorf("receive: %w", err)
		}
		if from.Pid != nl.PidKernel {
			continue
		}
		if err := w.deliver(handle, messages); err != nil {
			return err
		}
	}
}

func (w watcher) deliver(handle *netlink.Handle, messages []syscall.NetlinkMessage) error {
	for _, message := range messages {
		if err := w.message(handle, message); err != nil {
			return err
		}
	}
	return nil
}

// nameBy returns a function from an interface's index to its name; ok is false for an interface that is gone.
func nameBy(handle *netlink.Handle) func(int) (string, bool, error) {
	return func(index int) (string, bool, error) {
		link, err := handle.LinkByIndex(index)
		if errors.As(err, new(netlink.LinkNotFoundError)) {
			return "", false, nil
		}
		if err != nil {
			return "", false, fmt.Errorf("look up interface %d: %w", index, err)
		}
		return link.Attrs().Name, true, nil
	}
}
