package ctrl

import (
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// healthy is a host on which nothing is wrong, with a daemon that is MASTER.
func healthy() *Examination {
	vip := netip.MustParseAddr("192.168.100.221")
	nic := netif.NICFacts{LinkInfo: lanLinks()["enp1s0"], Driver: "ixgbe", XDPProgram: 42, XDPMode: "native"}
	return &Examination{
		Config: tutorialConfig(), BPFFS: "/sys/fs/bpf",
		Host: netif.HostFacts{
			Kernel: "6.1.0-18-amd64", JIT: netif.Yes, BPFFS: true, Capabilities: ^uint64(0),
			LockedMemory: 8 << 20,
			Options: map[string]string{
				"CONFIG_BPF_SYSCALL": "y", "CONFIG_BPF_JIT": "y", "CONFIG_MACVLAN": "m", "CONFIG_NET_SCH_INGRESS": "m", "CONFIG_NET_CLS_BPF": "m",
			},
		},
		NICs:      map[string]netif.NICFacts{"enp1s0": nic},
		Tagged:    make(map[string]TaggedInterface),
		Addresses: map[string][]netip.Addr{"enp1s0": {netip.MustParseAddr("192.168.100.211"), vip}},
		Programs:  map[uint32]string{42: OwnProgram},
		Status: &api.Status{
			Instances:  []api.Instance{{Name: "SERVICE", State: "MASTER"}},
			Interfaces: []api.Interface{{Name: "enp1s0", XDPMode: "native", ProgramID: 42}},
		},
		Socket: api.DefaultSocket,
	}
}

// checkBothWays has all checks go through the VIP as well.
func (e *Examination) checkBothWays() {
	servers := e.Config.VirtualServers[0].RealServers
	for i := range servers {
		servers[i].Checks[0].Path = config.PathAuto
	}
}

// mustBeWhole wants findings that say what is wrong, what shows it and what to do.
func mustBeWhole(t *testing.T, list []api.Finding) {
	t.Helper()
	for _, f := range list {
		if f.Severity == "" || f.Kind == "" || f.Subject == "" || f.Text == "" || f.Evidence == "" || f.Cure == "" {
			t.Errorf("a part is missing in %+v", f)
		}
	}
}

func (e *Examination) change(name string, change func(*netif.NICFacts)) {
	nic := e.NICs[name]
	change(&nic)
	e.NICs[name] = nic
}

func TestTheDoctorFindsNothingOnAHealthyHost(t *testing.T) {
	if got := healthy().Findings(); got == nil || len(got) > 0 {
		t.Errorf("findings %+v, want an empty list", got)
	}
}

// Each thing that is wrong is found with what shows it and what cures it.
func TestTheDoctorFindsWhatIsWrong(t *testing.T) {
	nic := func(change func(*netif.NICFacts)) func(*Examination) {
		return func(e *Examination) { e.change("enp1s0", change) }
	}
	const e, w, n = api.SeverityError, api.SeverityWarning, api.SeverityNotice
	for name, test := range map[string]struct {
		change                  func(*Examination)
		severity, kind, subject string
		text, evidence, cure    string // parts of them
	}{
		"an old kernel": {
			func(x *Examination) { x.Host.Kernel = "5.10.0-28-amd64" }, e, "kernel", "kernel", "5.15 or newer", "5.10.0-28", "newer kernel",
		},
		"an older one": {
			func(x *Examination) { x.Host.Kernel = "4.19.0" }, e, "kernel", "kernel", "5.15 or newer", "4.19.0", "newer kernel",
		},
		"no BPF": {
			func(x *Examination) { x.Host.Options["CONFIG_BPF_SYSCALL"] = "n" }, e, "kernel-option", "CONFIG_BPF_SYSCALL", "no BPF", "not set", "kernel",
		},
		"no macvlan for use_vmac": {
			func(x *Examination) {
				x.Host.Options["CONFIG_MACVLAN"], x.Config.Instances[0].VMAC = "n", &config.VMAC{Name: "vrrp.110"}
			}, e, "kernel-option", "CONFIG_MACVLAN", "use_vmac", "not set", "kernel",
		},
		"no clsact for checks through VIPs": {
			func(x *Examination) { x.Host.Options["CONFIG_NET_SCH_INGRESS"] = "n"; x.checkBothWays() }, w, "kernel-option",
			"CONFIG_NET_SCH_INGRESS", "cannot go through VIPs", "not set", "check_path address",
		},
		"no BPF classifier for checks through VIPs": {
			func(x *Examination) { x.Host.Options["CONFIG_NET_CLS_BPF"] = "n"; x.checkBothWays() }, w, "kernel-option",
			"CONFIG_NET_CLS_BPF", "cannot go through VIPs", "not set", "check_path address",
		},
		"no macvlan for checks through VIPs": {
			func(x *Examination) { x.Host.Options["CONFIG_MACVLAN"] = "n"; x.checkBothWays() }, w, "kernel-option",
			"CONFIG_MACVLAN", "cannot go through VIPs", "not set", "check_path address",
		},
		"no right to make the namespace of checks through VIPs": {
			func(x *Examination) { x.Host.Capabilities &^= 1 << 21; x.checkBothWays() }, w, "capabilities", "capabilities",
			"cannot go through VIPs", "CAP_SYS_ADMIN", "check_path address",
		},
		"no right to lock memory": {
			func(x *Examination) { x.Host.Capabilities &^= 1 << 14 }, n, "capabilities", "capabilities", "when memory is short",
			"CAP_IPC_LOCK; RLIMIT_MEMLOCK is 8388608 bytes", "ulimit -l unlimited",
		},
		"no way through VIPs, by the daemon": {
			func(x *Examination) { x.Status.Interfaces[0].ProbeReason = "no address" }, w, "check-path", "enp1s0",
			"cannot go through VIPs", "no address", "CAP_SYS_ADMIN",
		},
		"no JIT": {
			func(x *Examination) { x.Host.JIT = netif.No }, w, "bpf-jit", "net.core.bpf_jit_enable", "interpreted", "is 0", "sysctl -w net.core.bpf_jit_enable=1",
		},
		"no BPF file system": {
			func(x *Examination) { x.Host.BPFFS = false }, e, "bpffs", "/sys/fs/bpf", "no BPF file system", "statfs", "mount -t bpf bpf /sys/fs/bpf",
		},
		"no right to load programs": {
			func(x *Examination) { x.Host.Capabilities &^= 1<<39 | 1<<38 }, e, "capabilities", "capabilities", "may not load", "CapEff lacks CAP_PERFMON, CAP_BPF", "as root",
		},
		"no right to real time": {
			func(x *Examination) { x.Host.Capabilities &^= 1 << 23 }, w, "capabilities", "capabilities", "real-time", "CAP_SYS_NICE", "as root",
		},
		"keepalived beside the daemon": {
			func(x *Examination) { x.Host.Processes = map[string][]int{"keepalived": {77}} }, e, "keepalived", "keepalived", "both hold the VIPs", "77", "disable --now",
		},
		"IPVS": {
			func(x *Examination) { x.Host.IPVS = 2 }, w, "ipvs", "IPVS", "virtual services", "2 services", "ipvsadm -C",
		},
		"the cable is out": {
			nic(func(f *netif.NICFacts) { f.Carrier = false }), e, "link", "enp1s0", "link is down", "carrier: false", "plug it in",
		},
		"another XDP program": {
			func(x *Examination) { x.Programs[42] = "xdp_dispatcher" }, e, "xdp-other", "enp1s0", "another XDP program", `"xdp_dispatcher"`, "xdp off",
		},
		"a driver without native XDP": {
			nic(func(f *netif.NICFacts) { f.Driver = "r8169" }), n, "xdp-mode", "enp1s0", "no native XDP", "driver r8169", "whose driver has",
		},
		"jumbo frames on igb": {
			nic(func(f *netif.NICFacts) { f.Driver, f.MTU = "igb", 9000 }), w, "xdp-mode", "enp1s0", "MTU is too large", "9000, of at most 3046", "mtu 3046",
		},
		"a bridge": {
			nic(func(f *netif.NICFacts) { f.Kind = "bridge" }), n, "xdp-mode", "enp1s0", "on a bridge", "bridge", "the NIC itself",
		},
		"large receive offload": {
			nic(func(f *netif.NICFacts) { f.Active = []string{netif.FeatureLRO} }), w, "offload", "enp1s0", "large receive", "rx-lro is on", "ethtool -K enp1s0 lro off",
		},
		"hardware GRO": {
			nic(func(f *netif.NICFacts) { f.Active = []string{netif.FeatureHardwareGRO} }), w, "offload", "enp1s0", "hardware GRO", "rx-gro-hw is on", "ethtool -K enp1s0 rx-gro-hw off",
		},
		"VLAN offload below a VLAN": {
			func(x *Examination) {
				x.Tagged["enp1s0.10"] = TaggedInterface{Ports: []string{"enp1s0"}, Feature: netif.FeatureVLANOffload}
				x.change("enp1s0", func(f *netif.NICFacts) { f.Active = []string{netif.FeatureVLANOffload, netif.FeatureSTagOffload} })
			}, e, "vlan-offload", "enp1s0", "packets of enp1s0.10", "rx-vlan-hw-parse is on", "ethtool -K enp1s0 rxvlan off",
		},
		"GRO below a bridge": {
			func(x *Examination) {
				x.Stacked = map[string][]string{"br0": {"enp1s0"}}
				x.change("enp1s0", func(f *netif.NICFacts) { f.Active = []string{netif.FeatureGRO} })
			}, e, "gro", "enp1s0", "merges packets before XDP sees them on br0", "rx-gro is on", "ethtool -K enp1s0 gro off",
		},
		"a strict reverse path filter with two interfaces": {
			func(x *Examination) {
				second := x.NICs["enp1s0"]
				second.Name, second.ReversePathFilter = "enp2s0", 2
				x.NICs["enp2s0"] = second
				x.Host.ReversePathFilter = 1
			}, n, "rp-filter", "enp1s0", "strict reverse path filter", "of all 1", "net.ipv4.conf.enp1s0.rp_filter=2",
		},
		"an interface that is not there": {
			func(x *Examination) { x.Missing = []string{"enp9s0"} }, e, "interface", "enp9s0", "not there",
			"ip link show dev enp9s0", "or create it",
		},
		"a VIP on the wrong interface": {
			func(x *Examination) { x.Addresses["lo"] = []netip.Addr{web.Address.Addr()} }, e, "vip-misplaced", "192.168.100.221", "is on lo, and belongs on enp1s0",
			"ip addr show dev lo", "ip addr del 192.168.100.221/32 dev lo",
		},
		"a VIP on the BACKUP": {
			func(x *Examination) { x.Status.Instances[0].State = "BACKUP" }, e, "vip-misplaced", "192.168.100.221", "SERVICE is BACKUP",
			"ip addr show dev enp1s0", "ip addr del 192.168.100.221/24 dev enp1s0",
		},
		"FAULT": {
			func(x *Examination) {
				x.Status.Instances[0] = api.Instance{Name: "SERVICE", Interface: "enp1s0", State: "FAULT", Reason: "enp1s0 is down"}
				delete(x.Addresses, "enp1s0")
			}, e, "fault", "instance SERVICE", "in FAULT", "enp1s0 is down", "ip link set dev enp1s0 up",
		},
		"split brain": {
			func(x *Examination) {
				x.Status.Instances[0].Rivals = []api.Rival{{Address: "192.168.100.212", Priority: 12, Last: noon}}
			},
			e, "split-brain", "instance SERVICE", "192.168.100.212 is MASTER beside", "priority 12", "protocol 112",
		},
		"a program that is not attached": {
			func(x *Examination) { x.Status.Interfaces[0] = api.Interface{Name: "enp1s0", Reason: "use bond0"} }, e, "xdp-attach", "enp1s0",
			"no packets are balanced", "use bond0", "ip -d link show dev enp1s0",
		},
		"generic mode although the driver could": {
			func(x *Examination) { x.Status.Interfaces[0].XDPMode = "generic" }, w, "xdp-mode", "enp1s0", "generic mode", "driver ixgbe", "--xdp-mode native",
		},
		"what the daemon has found": {
			func(x *Examination) {
				x.Status.Findings = []api.Finding{{Severity: w, Kind: "mac-twice", Subject: "a, b", Text: "one MAC", Evidence: "both", Cure: "change"}}
			}, w, "mac-twice", "a, b", "one MAC", "both", "change",
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := healthy()
			test.change(x)
			got := x.Findings()
			if len(got) != 1 {
				t.Fatalf("%d findings, want one: %+v", len(got), got)
			}
			f := got[0]
			if test.text == "" || test.evidence == "" || test.cure == "" {
				t.Error("this test wants nothing of a part")
			}
			if f.Severity != test.severity || f.Kind != test.kind || f.Subject != test.subject || !strings.Contains(f.Text, test.text) ||
				!strings.Contains(f.Evidence, test.evidence) || !strings.Contains(f.Cure, test.cure) {
				t.Errorf("found %+v", f)
			}
		})
	}
}

func TestTheDoctorIsSilentAboutWhatIsRight(t *testing.T) {
	for name, change := range map[string]func(*Examination){
		"a kernel whose version says nothing": func(x *Examination) { x.Host.Kernel = "custom" },
		"a kernel whose options nobody knows": func(x *Examination) { x.Host.Options = nil },
		"no macvlan where nobody needs it":    func(x *Examination) { x.Host.Options["CONFIG_MACVLAN"] = "n" },
		"no clsact where nobody needs it":     func(x *Examination) { x.Host.Options["CONFIG_NET_SCH_INGRESS"] = "n" },
		"no namespace where nobody needs one": func(x *Examination) { x.Host.Capabilities &^= 1 << 21 },
		"no namespace where no check goes through a VIP, as among balancers": func(x *Examination) {
			x.Host.Capabilities &^= 1 << 21
			x.checkBothWays()
			x.Addresses["enp2s0"] = []netip.Addr{web0.Addr()}
		},
		"memory that may be locked without the right to": func(x *Examination) {
			x.Host.Capabilities &^= 1 << 14
			x.Host.LockedMemory = math.MaxUint64
		},
		"VLAN offload without a VLAN": func(x *Examination) {
			x.change("enp1s0", func(f *netif.NICFacts) { f.Active = []string{netif.FeatureVLANOffload} })
		},
		"GRO without a bridge": func(x *Examination) {
			x.change("enp1s0", func(f *netif.NICFacts) { f.Active = []string{netif.FeatureGRO} })
		},
		"a strict filter on one interface":  func(x *Examination) { x.Host.ReversePathFilter = 1 },
		"a program that it may not look at": func(x *Examination) { delete(x.Programs, 42) },
		"a VIP on lo of a real server": func(x *Examination) {
			x.Addresses["lo"] = []netip.Addr{web.Address.Addr()}
			x.Config.VirtualServers[0].RealServers[0].Address = netip.MustParseAddr("192.168.100.211")
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := healthy()
			change(x)
			if got := x.Findings(); len(got) > 0 {
				t.Errorf("findings %+v", got)
			}
		})
	}
}

func TestTheDoctorWithoutADaemon(t *testing.T) {
	x := healthy()
	x.Status = nil
	var kinds []string
	found := x.Findings()
	mustBeWhole(t, found)
	for _, f := range found {
		if f.Kind == "daemon" && !strings.Contains(f.Evidence, api.DefaultSocket) {
			t.Errorf("what shows that no daemon answers: %q", f.Evidence)
		}
		kinds = append(kinds, f.Severity+" "+f.Kind)
	}
	if want := []string{"warning vip-misplaced", "notice daemon"}; !slices.Equal(kinds, want) {
		t.Errorf("findings %q, want %q", kinds, want)
	}
	x.Config = nil
	if got := x.Findings(); len(got) != 1 {
		t.Errorf("without a configuration %+v", got)
	}
	x.Host.Processes = map[string][]int{"keepalived": {77}}
	if got := x.Findings(); len(got) != 2 || got[0].Severity != api.SeverityWarning {
		t.Errorf("with keepalived %+v", got)
	}
}

func TestWhatIsWrongOnTheLANIsFound(t *testing.T) {
	twice := "two hosts answer for 192.168.100.150, 02:00:00:00:00:01 and 02:00:00:00:00:02: one of them must give it up"
	for name, test := range map[string]struct {
		known                   func(*known)
		severity, kind, subject string
		text, evidence, cure    string
	}{
		"a real server answers for the VIP": {
			func(k *known) { k.claims.hear(noon, claim{web.Address.Addr(), macOf(web0.Addr()).String()}) },
			api.SeverityError, "vip-answered", "192.168.100.150", "answers ARP for the VIP 192.168.100.221", macOf(web0.Addr()).String(), "arp_ignore=1",
		},
		"a stranger does": {
			func(k *known) { k.claims.hear(noon, claim{web.Address.Addr(), "02:00:00:00:00:99"}) },
			api.SeverityError, "vip-answered", "192.168.100.221", "another host at 02:00:00:00:00:99", "02:00:00:00:00:99", "take 192.168.100.221 off",
		},
		"two hosts with the address of one": {
			func(k *known) { k.neighbors[neighborKey{"enp1s0", web0.Addr()}].reason = twice },
			api.SeverityError, "address-twice", "192.168.100.150", "two hosts have the address", twice, "another address",
		},
		"two with one MAC address": {
			func(k *known) { k.neighbors[neighborKey{"enp1s0", web0.Addr()}].mac = macOf(web1.Addr()) },
			api.SeverityWarning, "mac-twice", "192.168.100.150, 192.168.100.151", "one MAC address", macOf(web1.Addr()).String() + " on enp1s0", "ip link set",
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := allWell(tutorialConfig())
			if got := k.findings(); len(got) > 0 {
				t.Fatalf("all is well, and found is %+v", got)
			}
			test.known(k)
			got := k.findings()
			if len(got) != 1 {
				t.Fatalf("%d findings, want one: %+v", len(got), got)
			}
			f := got[0]
			if test.text == "" || test.evidence == "" || test.cure == "" {
				t.Error("this test wants nothing of a part")
			}
			if f.Severity != test.severity || f.Kind != test.kind || f.Subject != test.subject || !strings.Contains(f.Text, test.text) ||
				!strings.Contains(f.Evidence, test.evidence) || !strings.Contains(f.Cure, test.cure) {
				t.Errorf("found %+v", f)
			}
		})
	}
}
