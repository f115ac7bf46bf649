package ipvs

import (
	"net"
	"net/netip"
)

// The addresses are those of RFC 5737 and RFC 2544; the machine has no way out to send them.

func virtualServer() netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, 2, 1}), 80)
}

// balancerPrefix is the balancer's own address in the real servers' network. IPVS wants one: it looks for a route.
func balancerPrefix() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{198, 51, 100, 1}), 24)
}

func balancerMAC() net.HardwareAddr { return net.HardwareAddr{0x02, 0, 0, 0, 0, 1} }

func clientMAC() net.HardwareAddr { return net.HardwareAddr{0x02, 0, 0, 0, 0, 2} }

const ethernetMTU = 1500 // bytes of an IP packet; what a new veth has

// real is a real server.
type real struct {
	address netip.AddrPort
	mac     net.HardwareAddr
}

func realServers() []real {
	all := make([]real, wireCounterREALS)
	for i := range all {
		all[i] = real{
			address: netip.AddrPortFrom(netip.AddrFrom4([4]byte{198, 51, 100, byte(101 + i)}), virtualServer().Port()),
			mac:     net.HardwareAddr{0x02, 0, 0, 0, 1, byte(i)},
		}
	}
	return all
}
