package testbed

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"
)

// Interface is a network interface of a host, as `ip addr` shows it.
type Interface struct {
	Name      string
	MAC       MAC  // zero on lo
	Carrier   bool // frames can pass
	Addresses []netip.Prefix
}

// Neighbor is a line of a host's neighbor table, as `ip neigh` shows it.
type Neighbor struct {
	Address   netip.Addr
	MAC       MAC // zero while it is not known
	Interface string
	State     string // REACHABLE, STALE, DELAY, PROBE, INCOMPLETE or FAILED
}

// neighborStates names the states of linux/neighbour.h that the kernel walks through by itself. Entries in others, the
// multicast addresses above all, are no neighbors that anyone looks for.
var neighborStates = map[int]string{
	netlink.NUD_INCOMPLETE: "INCOMPLETE",
	netlink.NUD_REACHABLE:  "REACHABLE",
	netlink.NUD_STALE:      "STALE",
	netlink.NUD_DELAY:      "DELAY",
	netlink.NUD_PROBE:      "PROBE",
	netlink.NUD_FAILED:     "FAILED",
}

// Interfaces returns all interfaces of the host with their addresses.
func (h *Host) Interfaces() (interfaces []Interface, err error) {
	err = h.ask(func(handle *netlink.Handle) error {
		links, err := handle.LinkList()
		if err != nil {
			return fmt.Errorf("list interfaces: %w", err)
		}
		for _, device := range links {
			entry, err := inspect(handle, device)
			if err != nil {
				return err
			}
			interfaces = append(interfaces, entry)
		}
		return nil
	})
	return interfaces, err
}

func inspect(handle *netlink.Handle, device netlink.Link) (Interface, error) {
	attrs := device.Attrs()
	entry := Interface{Name: attrs.Name, Carrier: attrs.RawFlags&lowerUp != 0}
	if len(attrs.HardwareAddr) == len(entry.MAC) {
		entry.MAC = MAC(attrs.HardwareAddr)
	}
	addresses, err := handle.AddrList(device, netlink.FAMILY_ALL)
	if err != nil {
		return entry, fmt.Errorf("list addresses of %s: %w", attrs.Name, err)
	}
	for _, address := range addresses {
		bits, _ := address.Mask.Size()
		entry.Addresses = append(entry.Addresses, netip.PrefixFrom(addr(address.IP), bits))
	}
	return entry, nil
}

// lowerUp is IFF_LOWER_UP of linux/if.h: the driver has a carrier.
const lowerUp = 1 << 16

// Holds reports whether one of the host's interfaces has the address.
func (h *Host) Holds(address netip.Addr) (bool, error) {
	interfaces, err := h.Interfaces()
	for _, entry := range interfaces {
		for _, prefix := range entry.Addresses {
			if prefix.Addr() == address {
				return true, err
			}
		}
	}
	return false, err
}

// Neighbors returns the host's neighbor table.
func (h *Host) Neighbors() (neighbors []Neighbor, err error) {
	err = h.eachNeighbor(func(_ *netlink.Handle, n netlink.Neigh) error {
		entry := Neighbor{Address: addr(n.IP), Interface: h.Interface(), State: neighborStates[n.State]}
		if len(n.HardwareAddr) == len(entry.MAC) {
			entry.MAC = MAC(n.HardwareAddr)
		}
		neighbors = append(neighbors, entry)
		return nil
	})
	return neighbors, err
}

// FlushNeighbors empties the host's neighbor table, as `ip neigh flush all`.
func (h *Host) FlushNeighbors() error {
	return h.eachNeighbor(func(handle *netlink.Handle, n netlink.Neigh) error {
		if err := handle.NeighDel(&n); err != nil {
			return fmt.Errorf("delete neighbor %s: %w", n.IP, err)
		}
		return nil
	})
}

func (h *Host) eachNeighbor(f func(*netlink.Handle, netlink.Neigh) error) error {
	return h.ask(func(handle *netlink.Handle) error {
		device, err := handle.LinkByName(h.Interface())
		if err != nil {
			return fmt.Errorf("find %s: %w", h.Interface(), err)
		}
		table, err := handle.NeighList(device.Attrs().Index, netlink.FAMILY_ALL)
		if err != nil {
			return fmt.Errorf("list neighbors: %w", err)
		}
		for _, n := range table {
			if _, walks := neighborStates[n.State]; !walks {
				continue
			}
			if err := f(handle, n); err != nil {
				return err
			}
		}
		return nil
	})
}

// Carrier reports whether the host's interface has a carrier.
func (h *Host) Carrier() (up bool, err error) {
	err = h.ask(func(handle *netlink.Handle) error {
		up, err = carrier(handle, h.Interface())
		return err
	})
	return up, err
}

// ask lets f speak netlink to the host.
func (h *Host) ask(f func(*netlink.Handle) error) error {
	m := h.running()
	if m == nil {
		return fmt.Errorf("%s: %w", h.Name(), ErrHostOff)
	}
	handle, err := netlink.NewHandleAt(netns.NsHandle(m.ns.network().Fd()))
	if err != nil {
		return fmt.Errorf("%s: %w", h.Name(), err)
	}
	defer handle.Close()
	if err := f(handle); err != nil {
		return fmt.Errorf("%s: %w", h.Name(), err)
	}
	return nil
}
