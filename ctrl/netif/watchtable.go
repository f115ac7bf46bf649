package netif

import (
	"fmt"
	"net/netip"
	"slices"
	"syscall"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// linkTable is what WatchLinks has reported, by index.
type linkTable map[int]LinkInfo

// message applies one notification of the kernel.
func (t linkTable) message(message syscall.NetlinkMessage, report func(LinkEvent)) error {
	if message.Header.Type != unix.RTM_NEWLINK && message.Header.Type != unix.RTM_DELLINK {
		return nil
	}
	if len(message.Data) < unix.SizeofIfInfomsg {
		return fmt.Errorf("link notification of %d bytes", len(message.Data))
	}
	if nl.DeserializeIfInfomsg(message.Data).Family != unix.AF_UNSPEC {
		return nil // news of a bridge about its port: a port that leaves is not a link that is removed
	}
	header := unix.NlMsghdr(message.Header)
	link, err := netlink.LinkDeserialize(&header, message.Data)
	if err != nil {
		return fmt.Errorf("decode link notification: %w", err)
	}
	if message.Header.Type == unix.RTM_DELLINK {
		t.remove(link.Attrs().Index, report)
	} else {
		t.update(linkInfo(link), report)
	}
	return nil
}

func (t linkTable) update(link LinkInfo, report func(LinkEvent)) {
	before, known := t[link.Index]
	if known && before.equal(link) {
		return
	}
	if known && before.Name != link.Name {
		report(LinkEvent{Link: before, Removed: true})
	}
	t[link.Index] = link
	report(LinkEvent{Link: link})
}

func (t linkTable) remove(index int, report func(LinkEvent)) {
	if before, known := t[index]; known {
		delete(t, index)
		report(LinkEvent{Link: before, Removed: true})
	}
}

// replace reports what differs from a full reading. Removals, also of names, come first: a name may have moved to another
// index.
func (t linkTable) replace(present []LinkInfo, report func(LinkEvent)) {
	for index, before := range t {
		if !slices.ContainsFunc(present, func(link LinkInfo) bool { return link.Index == index && link.Name == before.Name }) {
			t.remove(index, report)
		}
	}
	for _, link := range present {
		t.update(link, report)
	}
}

// addressKey identifies an address on an interface, as the kernel does.
type addressKey struct {
	index  int
	prefix netip.Prefix
}

// addressTable is what WatchAddresses has reported, with the interface's name of that time.
type addressTable map[addressKey]string

// message applies one notification of the kernel.
func (t addressTable) message(message syscall.NetlinkMessage, name func(int) (string, bool, error), report func(AddressEvent)) error {
	switch message.Header.Type {
	case unix.RTM_NEWLINK:
		return t.renamed(message, report)
	case unix.RTM_NEWADDR, unix.RTM_DELADDR:
	default:
		return nil
	}
	key, err := parseAddress(message.Data)
	if err != nil {
		return fmt.Errorf("decode address notification: %w", err)
	}
	if message.Header.Type == unix.RTM_DELADDR {
		t.remove(key, report)
		return nil
	}
	return t.add(key, name, report)
}

// renamed applies a notification of a link, whose addresses go where its name goes.
func (t addressTable) renamed(message syscall.NetlinkMessage, report func(AddressEvent)) error {
	header := unix.NlMsghdr(message.Header)
	link, err := netlink.LinkDeserialize(&header, message.Data)
	if err != nil {
		return fmt.Errorf("decode link notification: %w", err)
	}
	for key, before := range t {
		if key.index == link.Attrs().Index {
			t.move(key, before, link.Attrs().Name, report)
		}
	}
	return nil
}

// move reports an address under another name of its interface, if it is another.
func (t addressTable) move(key addressKey, before, name string, report func(AddressEvent)) {
	if before == name {
		return
	}
	report(AddressEvent{Interface: before, Prefix: key.prefix, Removed: true})
	t[key] = name
	report(AddressEvent{Interface: name, Prefix: key.prefix})
}

func (t addressTable) add(key addressKey, name func(int) (string, bool, error), report func(AddressEvent)) error {
	if _, known := t[key]; known {
		return nil // a new lifetime or flag
	}
	ifname, ok, err := name(key.index)
	if err != nil {
		return err
	}
	if !ok {
		return nil // the interface is gone already, and the address with it
	}
	t[key] = ifname
	report(AddressEvent{Interface: ifname, Prefix: key.prefix})
	return nil
}

func (t addressTable) remove(key addressKey, report func(AddressEvent)) {
	if ifname, known := t[key]; known {
		delete(t, key)
		report(AddressEvent{Interface: ifname, Prefix: key.prefix, Removed: true})
	}
}

// replace reports what differs from a full reading.
func (t addressTable) replace(present []addressKey, name func(int) (string, bool, error), report func(AddressEvent)) error {
	for key, before := range t {
		ifname, there, err := name(key.index)
		if err != nil {
			return err
		}
		if !slices.Contains(present, key) || !there || ifname != before {
			t.remove(key, report)
		}
	}
	for _, key := range present {
		if err := t.add(key, name, report); err != nil {
			return err
		}
	}
	return nil
}

// parseAddress decodes the body of an RTM_NEWADDR or RTM_DELADDR message.
func parseAddress(data []byte) (addressKey, error) {
	if len(data) < unix.SizeofIfAddrmsg {
		return addressKey{}, fmt.Errorf("%d bytes are too few", len(data))
	}
	header := nl.DeserializeIfAddrmsg(data)
	attributes, err := nl.ParseRouteAttr(data[header.Len():])
	if err != nil {
		return addressKey{}, err
	}
	var address, local netip.Addr
	for _, attribute := range attributes {
		switch attribute.Attr.Type {
		case unix.IFA_ADDRESS:
			address = addrFromIP(attribute.Value)
		case unix.IFA_LOCAL: // on a point-to-point link IFA_ADDRESS is the other end
			local = addrFromIP(attribute.Value)
		}
	}
	bits := int(header.Prefixlen)
	switch {
	case !local.IsValid(): // IPv6
		local = address
	case local != address: // the prefix is that of the other end
		bits = local.BitLen()
	}
	prefix := netip.PrefixFrom(local, bits)
	if !prefix.IsValid() {
		return addressKey{}, fmt.Errorf("no address in it")
	}
	return addressKey{index: int(header.Index), prefix: prefix}, nil
}
