package testbed

import (
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"path"
	"slices"
	"strings"
)

// HostSpec describes a host. Only Name is required.
type HostSpec struct {
	// Name is the host name and the name of its port on the switch, at most 15 characters.
	Name string
	// Interface is the name of the network interface inside the host. enp1s0 when empty.
	Interface string
	// MAC is the interface's hardware address. Derived from the name when zero, and then locally administered.
	MAC MAC
	// Addresses are those of Interface, the primary one first.
	Addresses []netip.Prefix
	// LAN and MTU are those of Interface, as in Port.
	LAN string
	MTU int
	// More are further interfaces, on other LANs.
	More []Port
	// Gateways are the host's default routes, at most one for each IP version.
	Gateways []netip.Addr
	// Loopback are addresses on lo, each as a host route: the virtual addresses of a direct-return real server.
	Loopback []netip.Addr
	// Sysctls are set before the interface comes up, in the dotted form: net.ipv4.conf.eth0.arp_ignore. They override
	// the testbed's own: no reverse-path filter, ARP answered as by default, no IPv6 without an IPv6 address, and none of
	// its addresses waits for duplicate address detection.
	Sysctls map[string]string
	// Files are written on every boot: absolute path, below /etc or /run, to content.
	Files map[string]string
}

// fileRoots are the directories that a host has for itself.
var fileRoots = []string{"/etc/", "/run/"}

// maxInterfaceName is the kernel's IFNAMSIZ less the final NUL.
const maxInterfaceName = 15

// complete checks the description and fills in what was left out.
func (s HostSpec) complete() (HostSpec, error) {
	if s.Name == "" || len(s.Name) > maxInterfaceName || strings.ContainsAny(s.Name, "/ \t\n") || s.Name == bridgeName {
		return s, fmt.Errorf("the name must have 1 to %d characters, no space, no slash, and not be %s",
			maxInterfaceName, bridgeName)
	}
	if s.Interface == "" {
		s.Interface = "enp1s0"
	}
	if s.MAC == (MAC{}) {
		s.MAC = macOfName(s.Name)
	}
	s.More = slices.Clone(s.More)
	for n, port := range s.ports() {
		port, err := port.complete(s.Name)
		if err != nil {
			return s, err
		}
		if n > 0 {
			s.More[n-1] = port
		}
	}
	for name := range s.Files {
		if err := checkFileName(name); err != nil {
			return s, err
		}
	}
	s.Files = maps.Clone(s.Files)
	if s.Files == nil {
		s.Files = map[string]string{}
	}
	return s, nil
}

// checkFileName keeps a host from writing to the machine's own files.
func checkFileName(name string) error {
	private := func(root string) bool { return strings.HasPrefix(name, root) }
	if path.Clean(name) != name || !slices.ContainsFunc(fileRoots, private) {
		return fmt.Errorf("file %s: not below %s", name, strings.Join(fileRoots, " or "))
	}
	return nil
}

// macOfName gives each name a stable, locally administered unicast address.
func macOfName(name string) MAC {
	hash := fnv.New64a()
	hash.Write([]byte(name))
	sum := hash.Sum(nil)
	return MAC{0x02, sum[3], sum[4], sum[5], sum[6], sum[7]}
}

// sysctls are all settings of the host, the testbed's own and the description's. A machine's settings would otherwise
// leak into the namespace.
func (s HostSpec) sysctls() map[string]string {
	settings := map[string]string{}
	interfaces := []string{"all", "default"}
	is6 := func(p netip.Prefix) bool { return p.Addr().Is6() }
	for _, port := range s.ports() {
		interfaces = append(interfaces, port.Interface)
		settings["net.ipv6.conf."+port.Interface+".accept_dad"] = "0"
		if !slices.ContainsFunc(port.Addresses, is6) {
			settings["net.ipv6.conf."+port.Interface+".disable_ipv6"] = "1"
		}
	}
	for _, name := range interfaces {
		for _, key := range []string{"rp_filter", "arp_ignore", "arp_announce", "arp_filter", "arp_notify"} {
			settings["net.ipv4.conf."+name+"."+key] = "0"
		}
	}
	maps.Copy(settings, s.Sysctls)
	return settings
}
