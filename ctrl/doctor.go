package ctrl

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// Examination is what `drover doctor` has looked at; Findings says what it means.
type Examination struct {
	// Config is the configuration; nil if there is none that is valid.
	Config *config.Config
	// BPFFS is where the maps are to be pinned.
	BPFFS string
	Host  netif.HostFacts
	// NICs are the interfaces in use and those below them, by name. One that is not there is in Missing.
	NICs    map[string]netif.NICFacts
	Missing []string
	// Tagged are interfaces in use that stand for a VLAN, by name.
	Tagged map[string]TaggedInterface
	// Stacked are the NICs below each interface in use where a program can only be generic, by its name: they must not merge
	// packets.
	Stacked map[string][]string
	// Addresses are those of all interfaces of the host.
	Addresses map[string][]netip.Addr
	// Programs are the names of the XDP programs on the NICs, by id.
	Programs map[uint32]string
	// Status is the daemon's; nil if none answers on Socket.
	Status *api.Status
	Socket string
}

// TaggedInterface is a VLAN: the NICs below it must leave its outermost tag on, which a feature of theirs takes off.
type TaggedInterface struct {
	Ports   []string
	Feature string
}

// OwnProgram is the name of Drover's XDP program.
const OwnProgram = "drover"

// KernelOptions are those that a kernel must have, and ProcessNames the programs that one looks for.
var (
	KernelOptions = []string{"CONFIG_BPF_SYSCALL", "CONFIG_BPF_JIT", "CONFIG_MACVLAN", "CONFIG_NET_SCH_INGRESS", "CONFIG_NET_CLS_BPF"}
	ProcessNames  = []string{"keepalived"}
)

// Findings are all that is wrong or worth knowing, the worst first.
func (e *Examination) Findings() []api.Finding {
	list := []api.Finding{}
	for _, of := range []func() []api.Finding{e.kernel, e.capabilities, e.others, e.addresses, e.daemon} {
		list = append(list, of()...)
	}
	for _, name := range slices.Sorted(maps.Keys(e.NICs)) {
		list = append(list, e.nic(name)...)
	}
	for _, name := range e.Missing {
		list = append(list, api.Finding{
			Severity: api.SeverityError, Kind: "interface", Subject: name, Text: "the interface is not there",
			Evidence: "ip link show dev " + name + ": it does not exist; the configuration, or the daemon, uses it",
			Cure:     "correct the configuration, or create it: ip link",
		})
	}
	api.SortFindings(list)
	return list
}

// daemon is what the daemon knows.
func (e *Examination) daemon() []api.Finding {
	if e.Status == nil {
		return []api.Finding{{
			Severity: api.SeverityNotice, Kind: "daemon", Subject: "drover run",
			Text:     "no daemon answers: the LAN, the checks and the attached programs were not looked at",
			Evidence: "nobody answers on " + e.Socket,
			Cure:     "systemctl start drover; if one runs with another socket: drover doctor --socket",
		}}
	}
	list := slices.Clone(e.Status.Findings)
	for _, i := range e.Status.Instances {
		if i.State == "FAULT" {
			list = append(list, api.Finding{
				Severity: api.SeverityError, Kind: "fault", Subject: "instance " + i.Name,
				Text: "it is in FAULT and will not be MASTER", Evidence: cmp.Or(i.Reason, "drover status: FAULT"),
				Cure: fmt.Sprintf("mend what the evidence names: for an interface, ip link set dev %s up and its cable; for a script, file or process that is tracked, "+
					"what it stands for (drover status lists them). The instance then leaves FAULT by itself", i.Interface),
			})
		}
		for _, r := range i.Rivals {
			list = append(list, api.Finding{
				Severity: api.SeverityError, Kind: "split-brain", Subject: "instance " + i.Name,
				Text:     fmt.Sprintf("%s is MASTER beside this node: both answer for the VIPs", r.Address),
				Evidence: fmt.Sprintf("an advert of priority %d at %s", r.Priority, r.Last.Format("15:04:05")),
				Cure:     "compare the virtual_router_id, version, advert_int and password of both; see that IP protocol 112 passes between them",
			})
		}
	}
	return append(list, e.programs()...)
}

// programs are what the daemon says of its XDP programs.
func (e *Examination) programs() []api.Finding {
	var list []api.Finding
	for _, i := range e.Status.Interfaces {
		if i.ProbeReason != "" {
			list = append(list, api.Finding{
				Severity: api.SeverityWarning, Kind: "check-path", Subject: i.Name,
				Text:     "health checks cannot go through VIPs here: a real server that has lost the VIP is not seen",
				Evidence: i.ProbeReason,
				Cure: fmt.Sprintf("give the daemon CAP_SYS_ADMIN, the kernel macvlan, cls_bpf and sch_ingress, and %s an address of its own, "+
					"and no ipvlan beside; or check_path address, if it is to be so", i.Name),
			})
		}
		switch {
		case i.XDPMode == "":
			list = append(list, api.Finding{
				Severity: api.SeverityError, Kind: "xdp-attach", Subject: i.Name, Text: "no packets are balanced that come in here",
				Evidence: cmp.Or(i.Reason, "drover status: no program"),
				Cure: fmt.Sprintf("mend what the evidence names: ip -d link show dev %s and bpftool net show what the interface is and which programs "+
					"are on it, the README which interfaces and drivers can be used. The daemon tries again by itself", cmp.Or(i.Device, i.Name)),
			})
		case i.XDPMode == "generic" && !e.isGenericAnyway(cmp.Or(i.Device, i.Name)):
			list = append(list, api.Finding{
				Severity: api.SeverityWarning, Kind: "xdp-mode", Subject: i.Name,
				Text:     "XDP runs in generic mode: every packet costs several times the native price",
				Evidence: fmt.Sprintf("drover status: generic; driver %s, MTU %d", e.NICs[cmp.Or(i.Device, i.Name)].Driver, e.NICs[cmp.Or(i.Device, i.Name)].MTU),
				Cure:     "drover run --xdp-mode native says in its error what the driver has against it; see the README's table of drivers",
			})
		}
	}
	return list
}

// isGenericAnyway tells whether there is a finding already that says why.
func (e *Examination) isGenericAnyway(name string) bool {
	return slices.ContainsFunc(e.xdpMode(name), func(f api.Finding) bool { return f.Kind == "xdp-mode" })
}

// others are programs that do the same work.
func (e *Examination) others() []api.Finding {
	var list []api.Finding
	if pids := e.Host.Processes["keepalived"]; len(pids) > 0 {
		f := api.Finding{
			Severity: api.SeverityWarning, Kind: "keepalived", Subject: "keepalived", Text: "keepalived runs here: stop it before Drover starts",
			Evidence: fmt.Sprintf("process %d", pids[0]), Cure: "systemctl disable --now keepalived",
		}
		if e.Status != nil {
			f.Severity, f.Text = api.SeverityError, "keepalived runs here beside Drover: both hold the VIPs and speak VRRP on this host"
		}
		list = append(list, f)
	}
	if e.Host.IPVS > 0 {
		list = append(list, api.Finding{
			Severity: api.SeverityWarning, Kind: "ipvs", Subject: "IPVS",
			Text:     "the kernel's own load balancer has virtual services: it takes the packets that Drover leaves to the kernel",
			Evidence: fmt.Sprintf("/proc/net/ip_vs: %d services", e.Host.IPVS), Cure: "ipvsadm -C",
		})
	}
	return list
}
