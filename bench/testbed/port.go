package testbed

import (
	"errors"
	"fmt"
	"net/netip"
)

// A Port is an interface of a host, and the LAN that its cable leads to.
type Port struct {
	// Interface is its name inside the host.
	Interface string
	// MAC is derived from the names of the host and the interface when zero, and then locally administered.
	MAC MAC
	// LAN names the LAN. Ports that give the same name share one; between two LANs the switch forwards nothing. The empty
	// name is a LAN like others.
	LAN string
	// Addresses are those of the interface, the primary one first.
	Addresses []netip.Prefix
	// MTU is the largest IP packet of either end of the cable, in bytes; 0 for Ethernet's 1500.
	MTU int
}

// complete checks the description and fills in what was left out.
func (p Port) complete(host string) (Port, error) {
	if p.Interface == "" || len(p.Interface) > maxInterfaceName {
		return p, fmt.Errorf("interface name %q: it must have 1 to %d characters", p.Interface, maxInterfaceName)
	}
	if len(bridgeOf(p.LAN)) > maxInterfaceName {
		return p, fmt.Errorf("interface %s: name of LAN %q: longer than %d characters", p.Interface, p.LAN,
			maxInterfaceName-len(bridgeOf("")))
	}
	if p.MAC == (MAC{}) {
		p.MAC = macOfName(host + " " + p.Interface)
	}
	if p.MAC[0]&1 == 1 {
		return p, fmt.Errorf("MAC %s: a group address", p.MAC)
	}
	for _, prefix := range p.Addresses {
		if !prefix.IsValid() {
			return p, errors.New("an address is not valid")
		}
	}
	return p, nil
}

// ports are all interfaces of the host.
func (s HostSpec) ports() []Port {
	first := Port{Interface: s.Interface, MAC: s.MAC, LAN: s.LAN, Addresses: s.Addresses, MTU: s.MTU}
	return append([]Port{first}, s.More...)
}

// portOnSwitch names the switch's end of a host's n-th cable.
func portOnSwitch(host string, n int) string {
	if n == 0 {
		return host
	}
	return fmt.Sprintf("%.12s.%d", host, n)
}
