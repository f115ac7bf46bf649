package netif

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"github.com/vishvananda/netlink"
)

// ErrNoProbePath is wrapped by every error that says that this host has no way to a real server through its VIP. It says
// nothing about the real server: a health check that meets it has no verdict.
var ErrNoProbePath = errors.New("no way for health checks through the VIP")

// ProbeSpace is where health checks through a VIP come from: a network namespace of this process's own. The VIP is nobody's
// address there, so it makes no difference whether this host holds it, and the host's routes, packet filter and connection
// tracking play no part.
//
// For each interface that real servers are behind there is a macvlan on it (probelan.go). What a socket of a [ProbePath]
// sends leaves by that; a program of the data plane addresses it to the MAC of the real server that its mark names. It is
// sent from the host's own address, so the answer comes to this host, where the XDP program tells it by its port and gives
// it the MAC of the macvlan; the kernel does the rest. Nothing else ever leaves the namespace.
//
// The namespace has no name and ends with the process, however that ends, and the macvlans with it.
//
// It needs CAP_SYS_ADMIN to make the namespace, CAP_NET_ADMIN, and of the kernel (Linux 5.15) macvlan, cls_bpf and
// sch_ingress. Its methods may be called from any goroutine, Follow and Close from one at a time.
type ProbeSpace struct {
	thread *spaceThread
	ns     *os.File // the namespace
	mac    net.HardwareAddr
	ports  PortRange
	spare  map[socketKind]chan int // sockets that nobody has asked for yet

	mu   sync.RWMutex
	lans map[string]*probeLAN // by the name of the interface below

	lastPing atomic.Uint32
}

// OpenProbeSpace makes a namespace without any interface but lo. It takes the host's settings into account as they are now
// in the namespace of the calling thread.
func OpenProbeSpace() (*ProbeSpace, error) {
	s, err := openProbeSpace()
	if err != nil {
		return nil, fmt.Errorf("make a network namespace for health checks through VIPs: %w", err)
	}
	return s, nil
}

func openProbeSpace() (*ProbeSpace, error) {
	mac, err := randomMAC()
	if err != nil {
		return nil, err
	}
	ports, err := hostFreePorts()
	if err != nil {
		return nil, err
	}
	s := &ProbeSpace{mac: mac, ports: ports, spare: spareSockets(), lans: make(map[string]*probeLAN)}
	s.thread, err = newSpaceThread(func() error {
		if s.ns, err = os.Open("/proc/thread-self/ns/net"); err != nil {
			return err
		}
		return setUpSpace(ports)
	})
	if err != nil && s.ns != nil {
		err = errors.Join(err, s.ns.Close())
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

// MAC is the address of the macvlans, to be given to the frames of answers. It is another one in each process.
func (s *ProbeSpace) MAC() net.HardwareAddr { return s.mac }

// Ports are those that sockets of TCP and UDP send from, and the ids of pings.
func (s *ProbeSpace) Ports() PortRange { return s.ports }

// Stale tells whether the host's settings have changed so that another space would have other ports. It is called in the
// host's namespace.
func (s *ProbeSpace) Stale() (bool, error) {
	ports, err := hostFreePorts()
	return err == nil && ports != s.ports, err
}

// Close removes the macvlans. Sockets that are open stay, and reach nothing any more.
func (s *ProbeSpace) Close() error {
	err := s.Follow(ProbeProgram{}, nil)
	s.thread.end()
	return errors.Join(err, s.closeSpare(), s.ns.Close())
}

// randomMAC draws a locally administered unicast address.
func randomMAC() (net.HardwareAddr, error) {
	mac := make(net.HardwareAddr, 6)
	if _, err := rand.Read(mac); err != nil {
		return nil, fmt.Errorf("draw a MAC address: %w", err)
	}
	mac[0] = mac[0]&^0x01 | 0x02
	return mac, nil
}

// spaceSysctls are what a new namespace may have inherited from the host, or has otherwise than probes want it.
var spaceSysctls = []sysctl{
	{"ipv4/conf/all/rp_filter", "0"}, // a VIP's way back is none that the namespace would choose
	{"ipv4/conf/default/rp_filter", "0"},
	{"ipv4/ping_group_range", "0 2147483647"}, // who may ping without a raw socket
	{"ipv4/tcp_tw_reuse", "1"},                // many short connections to one address
}

// spaceSysctls6 are for a kernel that has IPv6. The namespace says nothing of its own, and needs no address of its own.
var spaceSysctls6 = []sysctl{
	{"ipv6/conf/all/disable_ipv6", "0"},
	{"ipv6/conf/default/disable_ipv6", "0"},
	{"ipv6/conf/default/addr_gen_mode", "1"},
	{"ipv6/conf/default/accept_ra", "0"},
	{"ipv6/conf/default/accept_dad", "0"},
	{"ipv6/conf/default/router_solicitations", "0"},
}

// setUpSpace sets the calling thread's namespace up.
func setUpSpace(ports PortRange) error {
	settings := append([]sysctl{{"ipv4/ip_local_port_range", fmt.Sprintf("%d %d", ports.First, ports.Last)}}, spaceSysctls...)
	if _, err := os.Stat("/proc/sys/net/ipv6"); err == nil {
		settings = append(settings, spaceSysctls6...)
	}
	for _, s := range settings {
		if err := os.WriteFile("/proc/sys/net/"+s.name, []byte(s.value), 0); err != nil {
			return fmt.Errorf("set %s to %s: %w", s.name, s.value, err)
		}
	}
	lo, err := linkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return fmt.Errorf("set lo up: %w", err)
	}
	return nil
}
