package ctrl

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// oldestKernel is the first version that has all that Drover asks for.
var oldestKernel = [2]int{5, 15}

// What follows if checks cannot go through VIPs, and what else can be done about it.
const (
	noProbes  = "health checks cannot go through VIPs, so that a real server that has lost the VIP is not seen"
	orAddress = "; or check_path address, if it is to be so"
)

// kernel looks at the kernel and what is to be set in it.
func (e *Examination) kernel() []api.Finding {
	var list []api.Finding
	var version [2]int
	if n, err := fmt.Sscanf(e.Host.Kernel, "%d.%d", &version[0], &version[1]); n == 2 && err == nil && slices.Compare(version[:], oldestKernel[:]) < 0 {
		list = append(list, api.Finding{
			Severity: api.SeverityError, Kind: "kernel", Subject: "kernel", Text: "the kernel is too old: Drover wants Linux 5.15 or newer",
			Evidence: "uname -r: " + e.Host.Kernel, Cure: "install a newer kernel; Ubuntu 22.04 and Debian 12 have one",
		})
	}
	list = append(list, e.options()...)
	if e.Host.JIT == netif.No {
		list = append(list, api.Finding{
			Severity: api.SeverityWarning, Kind: "bpf-jit", Subject: "net.core.bpf_jit_enable",
			Text:     "BPF programs are interpreted and not compiled: every packet costs several times as much",
			Evidence: "net.core.bpf_jit_enable is 0", Cure: "sysctl -w net.core.bpf_jit_enable=1",
		})
	}
	if !e.Host.BPFFS {
		list = append(list, api.Finding{
			Severity: api.SeverityError, Kind: "bpffs", Subject: e.BPFFS, Text: "there is no BPF file system to pin the maps in",
			Evidence: "statfs tells another type", Cure: "mount -t bpf bpf " + e.BPFFS + "; systemd does so by itself for /sys/fs/bpf",
		})
	}
	return list
}

// options are those that the kernel's configuration lacks.
func (e *Examination) options() []api.Finding {
	var list []api.Finding
	throughVIPs := e.checksThroughVIPs()
	for _, option := range []struct {
		name, severity, text, cure string
		needed                     bool
	}{
		{"CONFIG_BPF_SYSCALL", api.SeverityError, "the kernel has no BPF: no XDP program can be loaded", "", true},
		{"CONFIG_BPF_JIT", api.SeverityWarning, "the kernel cannot compile BPF programs: they are interpreted, at several times the price", "", true},
		{"CONFIG_MACVLAN", api.SeverityError, "the kernel has no macvlan, which use_vmac needs", "", e.usesVMAC()},
		{"CONFIG_MACVLAN", api.SeverityWarning, "the kernel has no macvlan: " + noProbes, orAddress, throughVIPs},
		{"CONFIG_NET_SCH_INGRESS", api.SeverityWarning, "the kernel has no sch_ingress (clsact): " + noProbes, orAddress, throughVIPs},
		{"CONFIG_NET_CLS_BPF", api.SeverityWarning, "the kernel has no cls_bpf: " + noProbes, orAddress, throughVIPs},
	} {
		if !option.needed || e.Host.Options[option.name] != "n" {
			continue
		}
		list = append(list, api.Finding{
			Severity: option.severity, Kind: "kernel-option", Subject: option.name, Text: option.text,
			Evidence: "the kernel's configuration: " + option.name + " is not set", Cure: "install a kernel that has it" + option.cure,
		})
	}
	return list
}

func (e *Examination) usesVMAC() bool {
	return e.Config != nil && slices.ContainsFunc(e.Config.Instances, func(i config.Instance) bool { return i.VMAC != nil })
}

// checksThroughVIPs tells whether a check of the configuration goes through a VIP.
func (e *Examination) checksThroughVIPs() (through bool) {
	if e.Config == nil {
		return false
	}
	held := e.held()
	isLocal := func(r *config.RealServer) bool { return held[r.Address] || r.Address.IsLoopback() }
	for n := range e.Config.VirtualServers {
		v := &e.Config.VirtualServers[n]
		members, _ := membersOf(v)
		balancers := slices.ContainsFunc(members[:len(v.RealServers)], isLocal)
		for _, r := range members {
			at := station{place: place{local: isLocal(r)}, server: r.Address, amongBalancers: balancers}
			for i := range r.Checks {
				eachSpec(v, &r.Checks[i], at, func(s checkSpec) { through = through || s.via != via{} })
			}
		}
	}
	return through
}

// held are the addresses of this host.
func (e *Examination) held() map[netip.Addr]bool {
	held := make(map[netip.Addr]bool)
	for _, addresses := range e.Addresses {
		for _, a := range addresses {
			held[a] = true
		}
	}
	return held
}

// capabilityBits are the numbers of capabilities in capabilities(7).
var capabilityBits = map[string]uint{
	"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_IPC_LOCK": 14, "CAP_SYS_ADMIN": 21, "CAP_SYS_NICE": 23, "CAP_PERFMON": 38, "CAP_BPF": 39,
}

// right is what a process may do by some capabilities.
type right struct {
	capabilities []string
	severity     string
	without      string // what follows if one is missing
	shows, cure  string // what more there is to say
}

// rights are those that the daemon needs here.
func (e *Examination) rights() []right {
	list := []right{
		{
			capabilities: []string{"CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_PERFMON", "CAP_BPF"}, severity: api.SeverityError,
			without: "this process may not load XDP programs or speak VRRP",
		},
		{capabilities: []string{"CAP_SYS_NICE"}, severity: api.SeverityWarning, without: "adverts are not sent at real-time priority"},
	}
	if e.checksThroughVIPs() {
		list = append(list, right{
			capabilities: []string{"CAP_SYS_ADMIN"}, severity: api.SeverityWarning,
			without: "this process may not make a network namespace: " + noProbes, cure: orAddress,
		})
	}
	if most := e.Host.LockedMemory; most != math.MaxUint64 {
		list = append(list, right{
			capabilities: []string{"CAP_IPC_LOCK"}, severity: api.SeverityNotice,
			without: "the memory of VRRP's process is not locked: adverts may be late when memory is short",
			shows:   fmt.Sprintf("; RLIMIT_MEMLOCK is %d bytes", most), cure: "; or without that limit: LimitMEMLOCK=infinity, ulimit -l unlimited",
		})
	}
	return list
}

func (e *Examination) capabilities() []api.Finding {
	var list []api.Finding
	for _, r := range e.rights() {
		var lacks []string
		for _, name := range r.capabilities {
			if e.Host.Capabilities&(1<<capabilityBits[name]) == 0 {
				lacks = append(lacks, name)
			}
		}
		if len(lacks) > 0 {
			list = append(list, api.Finding{
				Severity: r.severity, Kind: "capabilities", Subject: "capabilities", Text: r.without,
				Evidence: "CapEff lacks " + strings.Join(lacks, ", ") + r.shows,
				Cure:     "run as root, with the CapabilityBoundingSet of cmd/drover/drover.service where there is one" + r.cure,
			})
		}
	}
	return list
}

// addresses looks for VIPs where they must not be.
func (e *Examination) addresses() []api.Finding {
	if e.Config == nil {
		return nil
	}
	var list []api.Finding
	for _, i := range e.Config.Instances {
		for _, a := range virtualAddresses(i) {
			for name, held := range e.Addresses {
				if slices.Contains(held, a.Prefix.Addr()) {
					list = append(list, e.heldVIP(i, a, name)...)
				}
			}
		}
	}
	return list
}

// heldVIP judges that an interface has a VIP.
func (e *Examination) heldVIP(i config.Instance, a config.VirtualAddress, name string) []api.Finding {
	f := api.Finding{
		Severity: api.SeverityError, Kind: "vip-misplaced", Subject: a.Prefix.Addr().String(),
		Evidence: fmt.Sprintf("ip addr show dev %s", name), Cure: fmt.Sprintf("ip addr del %s dev %s", a.Prefix, name),
	}
	state := e.stateOf(i.Name)
	switch {
	case name == "lo" && e.isRealServerOf(a.Prefix.Addr()):
		return nil // this host is one of the real servers
	case name != a.Interface:
		f.Text = fmt.Sprintf("the VIP is on %s, and belongs on %s, while this node is MASTER", name, a.Interface)
		f.Cure = fmt.Sprintf("ip addr del %s dev %s", netip.PrefixFrom(a.Prefix.Addr(), a.Prefix.Addr().BitLen()), name)
	case e.Status == nil:
		f.Severity, f.Text = api.SeverityWarning, "this host has a VIP, and no daemon that would take it away when another node is MASTER"
		f.Cure = "systemctl start drover, or " + f.Cure
	case state != "" && state != "MASTER":
		f.Text = fmt.Sprintf("this host has a VIP while instance %s is %s: it may answer for it beside the MASTER", i.Name, state)
	default:
		return nil
	}
	return []api.Finding{f}
}

// stateOf is an instance's state; empty if the daemon does not know it.
func (e *Examination) stateOf(instance string) string {
	if e.Status == nil {
		return ""
	}
	for _, i := range e.Status.Instances {
		if i.Name == instance {
			return i.State
		}
	}
	return ""
}

// isRealServerOf tells whether this host is a real server of a virtual server at an address.
func (e *Examination) isRealServerOf(vip netip.Addr) bool {
	held := e.held()
	for n := range e.Config.VirtualServers {
		v := &e.Config.VirtualServers[n]
		members, _ := membersOf(v)
		if slices.ContainsFunc(v.Endpoints(), func(p netip.AddrPort) bool { return p.Addr() == vip }) &&
			slices.ContainsFunc(members, func(r *config.RealServer) bool { return held[r.Address] }) {
			return true
		}
	}
	return false
}

// nic looks at one interface.
func (e *Examination) nic(name string) []api.Finding {
	nic := e.NICs[name]
	list := slices.Concat(e.xdpMode(name), e.offloads(name))
	if !nic.Usable() {
		list = append(list, api.Finding{
			Severity: api.SeverityError, Kind: "link", Subject: name, Text: "the link is down: no packet comes or goes",
			Evidence: fmt.Sprintf("up: %v, carrier: %v", nic.Up, nic.Carrier), Cure: fmt.Sprintf("plug it in; ip link set dev %s up", name),
		})
	}
	if id := nic.XDPProgram; e.Programs[id] != "" && e.Programs[id] != OwnProgram {
		list = append(list, api.Finding{
			Severity: api.SeverityError, Kind: "xdp-other", Subject: name, Text: "another XDP program is on the interface: Drover's cannot be attached",
			Evidence: fmt.Sprintf("program %d, %q, mode %s", id, e.Programs[id], nic.XDPMode),
			Cure:     fmt.Sprintf("bpftool net show dev %s; ip link set dev %[1]s xdp off, or stop who attached it", name),
		})
	}
	if max(nic.ReversePathFilter, e.Host.ReversePathFilter) == 1 && len(e.NICs) > 1 {
		list = append(list, api.Finding{
			Severity: api.SeverityNotice, Kind: "rp-filter", Subject: name,
			Text:     "a strict reverse path filter drops what comes in here and would be answered by another interface, as answers to checks may",
			Evidence: fmt.Sprintf("net.ipv4.conf.%s.rp_filter is %d, of all %d", name, nic.ReversePathFilter, e.Host.ReversePathFilter),
			Cure:     fmt.Sprintf("if checks fail without a reason: sysctl -w net.ipv4.conf.%s.rp_filter=2", name),
		})
	}
	return list
}

// withoutXDP are drivers that have no native XDP, at least not before this was written.
var withoutXDP = []string{"e1000", "e1000e", "r8169", "tg3", "8139cp", "8139too", "forcedeth", "sky2", "usbnet", "cdc_ether", "ax88179_178a"}

// largestMTU is what a driver takes with XDP, in bytes. Others take about a page less some 400 bytes.
var largestMTU = map[string]int{"igb": 3046}

const usualLargestMTU = 3498

// xdpMode is why XDP can only be generic.
func (e *Examination) xdpMode(name string) []api.Finding {
	nic := e.NICs[name]
	f := api.Finding{Severity: api.SeverityWarning, Kind: "xdp-mode", Subject: name, Evidence: fmt.Sprintf("ethtool -i %s: driver %s", name, nic.Driver)}
	most := cmp.Or(largestMTU[nic.Driver], usualLargestMTU)
	switch {
	case slices.Contains(withoutXDP, nic.Driver):
		f.Severity = api.SeverityNotice
		f.Text = fmt.Sprintf("the driver %s has no native XDP: Drover runs in generic mode, at several times the price of a packet", nic.Driver)
		f.Cure = "if it is too slow: a NIC whose driver has native XDP; see the README's table of drivers"
	case nic.Kind == "bridge" || nic.Kind == "macvlan":
		f.Severity, f.Evidence = api.SeverityNotice, "ip -d link: "+nic.Kind
		f.Text = fmt.Sprintf("on a %s XDP runs in generic mode, at several times the price of a packet", nic.Kind)
		f.Cure = "use the NIC itself, or a bond"
	case nic.Kind == "" && nic.MTU > most:
		f.Text = "the MTU is too large for native XDP: Drover runs in generic mode, at several times the price of a packet"
		f.Evidence += fmt.Sprintf("; MTU %d, of at most %d", nic.MTU, most)
		f.Cure = fmt.Sprintf("ip link set dev %s mtu %d, or 1500 if the LAN has no larger frames", name, most)
	default:
		return nil
	}
	return []api.Finding{f}
}

// offloads are features of the NIC that XDP does not go well with.
func (e *Examination) offloads(name string) []api.Finding {
	nic := e.NICs[name]
	var list []api.Finding
	for _, off := range []struct{ feature, text string }{
		{netif.FeatureLRO, "large receive offload merges packets before XDP sees them, and many drivers refuse XDP with it"},
		{netif.FeatureHardwareGRO, "hardware GRO merges packets before XDP sees them, and many drivers refuse XDP with it"},
	} {
		if slices.Contains(nic.Active, off.feature) {
			list = append(list, api.Finding{
				Severity: api.SeverityWarning, Kind: "offload", Subject: name, Text: off.text,
				Evidence: fmt.Sprintf("ethtool -k %s: %s is on", name, off.feature), Cure: fmt.Sprintf("ethtool -K %s %s off", name, ethtoolNames[off.feature]),
			})
		}
	}
	for upper, nics := range e.Stacked {
		if slices.Contains(nics, name) && slices.Contains(nic.Active, netif.FeatureGRO) {
			list = append(list, api.Finding{
				Severity: api.SeverityError, Kind: "gro", Subject: name,
				Text: fmt.Sprintf("the kernel merges packets before XDP sees them on %s, where it runs in generic mode: "+
					"they would be larger than the MTU, and so none are balanced", upper),
				Evidence: fmt.Sprintf("ethtool -k %s: %s is on", name, netif.FeatureGRO),
				Cure:     fmt.Sprintf("ethtool -K %s %s off", name, ethtoolNames[netif.FeatureGRO]),
			})
		}
	}
	for vlan, tagged := range e.Tagged {
		if slices.Contains(tagged.Ports, name) && slices.Contains(nic.Active, tagged.Feature) {
			list = append(list, api.Finding{
				Severity: api.SeverityError, Kind: "vlan-offload", Subject: name,
				Text:     fmt.Sprintf("the NIC takes VLAN tags off before XDP sees them: packets of %s are not balanced", vlan),
				Evidence: fmt.Sprintf("ethtool -k %s: %s is on", name, tagged.Feature),
				Cure:     fmt.Sprintf("ethtool -K %s %s off", name, ethtoolNames[tagged.Feature]),
			})
		}
	}
	return list
}

// ethtoolNames are the short names that ethtool -K takes for features.
var ethtoolNames = map[string]string{
	netif.FeatureLRO: "lro", netif.FeatureHardwareGRO: "rx-gro-hw", netif.FeatureVLANOffload: "rxvlan",
	netif.FeatureSTagOffload: "rx-vlan-stag-hw-parse", netif.FeatureGRO: "gro",
}
