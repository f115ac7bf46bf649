package health

import (
	"fmt"
	"net/netip"
)

// Diagnosis is what two checks of one real server say together: that of its own address, and that through the VIP.
type Diagnosis struct {
	// Cause is the likeliest reason of the difference, and Cure what ends it, as text with commands for the real server.
	// Both are empty when there is no difference that the way makes.
	Cause, Cure string
}

// String joins cause and cure to a line for logs and status.
func (d Diagnosis) String() string {
	if d.Cure == "" {
		return d.Cause
	}
	return d.Cause + ": " + d.Cure
}

// Diagnose tells why a check passes at a real server's own address and fails through the VIP, or the other way round. It is
// pure. service is the VIP and the port that was asked, datagrams whether it was asked over UDP.
func Diagnose(address, vip Failure, service netip.AddrPort, datagrams bool) Diagnosis {
	to := service.Addr().Unmap()
	switch {
	case address != Passed && vip == Passed:
		return Diagnosis{
			fmt.Sprintf("the service listens on the VIP %s and not on the real server's own address", to),
			"clients are served all the same; check it by check_path vip alone",
		}
	case address != Passed || vip == Passed:
		return Diagnosis{}
	}
	switch vip {
	case Silent:
		return diagnoseSilence(to, datagrams)
	case Dropped:
		return diagnoseDrops(service.Port(), to, datagrams)
	case Unreachable:
		return Diagnosis{
			fmt.Sprintf("the real server has no VIP %s and forwards what comes for it, or its packet filter rejects that", to),
			giveVIP(to) + "; if it is there, " + lookForFilter(to),
		}
	case Refused:
		return Diagnosis{
			fmt.Sprintf("nobody listens on port %d of the VIP %s: the service is bound to the real server's own address alone",
				service.Port(), to),
			fmt.Sprintf("bind it to %s or to %s (%s shows what it listens on); if it is, %s", to, unspecified(to),
				listeners(service.Port(), datagrams), lookForFilter(to)),
		}
	case Reset:
		return Diagnosis{
			fmt.Sprintf("the service accepts connections to the VIP %s and cuts them", to),
			fmt.Sprintf("see its log for what it has against %s; if there is nothing, %s", to, lookForFilter(to)),
		}
	default:
		return Diagnosis{
			fmt.Sprintf("the service answers otherwise at the VIP %s than at the real server's own address", to),
			fmt.Sprintf("look for a virtual host, or another program, that is bound to %s: %s", to,
				listeners(service.Port(), datagrams)),
		}
	}
}

func diagnoseSilence(vip netip.Addr, datagrams bool) Diagnosis {
	if datagrams {
		return Diagnosis{
			fmt.Sprintf("the real server has lost the VIP %s, or answers from another address than it was asked at", vip),
			giveVIP(vip) + "; if it is there, bind the service to " + vip.String() + " (one bound to all addresses answers " +
				"from the address of the interface), or " + lookForFilter(vip) + rpFilter(vip),
		}
	}
	return Diagnosis{
		fmt.Sprintf("the real server has lost the VIP %s, or drops what comes for it", vip),
		giveVIP(vip) + "; if it is there, " + lookForFilter(vip) + rpFilter(vip),
	}
}

// diagnoseDrops is for a real server that has the VIP, for it answers pings of it.
func diagnoseDrops(port uint16, vip netip.Addr, datagrams bool) Diagnosis {
	cause := fmt.Sprintf("the real server has the VIP %s and does not answer at port %d of it: a packet filter drops what comes", vip, port)
	if datagrams {
		return Diagnosis{
			cause + ", or the service answers from another address than it was asked at",
			lookForFilter(vip) + "; if there is none, bind the service to " + vip.String(),
		}
	}
	return Diagnosis{
		cause + ", or the service is stuck",
		fmt.Sprintf("%s; if there is none, see what waits for the service: %s", lookForFilter(vip), listeners(port, datagrams)),
	}
}

// giveVIP has a real server have the VIP, and keep it to itself: IPv6 answers for no address of lo by itself.
func giveVIP(vip netip.Addr) string {
	if vip.Is6() {
		return fmt.Sprintf("ip -6 addr add %s/128 dev lo", vip)
	}
	return fmt.Sprintf("ip addr add %s/32 dev lo, with sysctl -w net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2", vip)
}

func lookForFilter(vip netip.Addr) string {
	return fmt.Sprintf("look for a packet filter that blocks %s: nft list ruleset", vip)
}

// rpFilter is the last thing to look for: a strict one drops what comes in by another interface than answers leave by.
func rpFilter(vip netip.Addr) string {
	if vip.Is6() {
		return ""
	}
	return ", or for a strict reverse path filter (rp_filter=1) where answers from the VIP leave by another interface: " +
		"sysctl -w net.ipv4.conf.all.rp_filter=2"
}

func unspecified(vip netip.Addr) string {
	if vip.Is6() {
		return "::"
	}
	return "0.0.0.0"
}

func listeners(port uint16, datagrams bool) string {
	flag := "t"
	if datagrams {
		flag = "u"
	}
	return fmt.Sprintf("ss -ln%sp sport = :%d", flag, port)
}
