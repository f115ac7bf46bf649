package config

import (
	"net/netip"
	"time"
)

// globals are the defaults that global_defs gives to other blocks.
type globals struct {
	routerID             string
	version              int
	garp                 GARP
	minGARP              bool
	lowerPrioNoAdvert    bool
	higherPrioSendAdvert bool
	ownerIgnoresAdverts  bool
	priorityChanges      bool
	skipCheckAdvAddr     bool
	downTimerAdverts     int
	strict               bool
	checksumAsV2         bool
	checkUnicastSource   bool
	startupDelay         time.Duration

	// multicastGroup4 and multicastGroup6 are where adverts go by default.
	multicastGroup4, multicastGroup6 netip.Addr

	// vmacPrefix is what the names of virtual MAC interfaces begin with.
	vmacPrefix string

	// defaultInterface holds static addresses that name none.
	defaultInterface string

	// dynamicInterfaces says that interfaces may come and go.
	dynamicInterfaces bool

	// user runs scripts that name no user.
	user scriptUser

	// What goes to the Config as it is.
	scriptSecurity             bool
	realTimePriority           int
	garpInterval, gnaInterval  time.Duration
	notifyFIFO, vrrpNotifyFIFO fifoDraft
	lvsNotifyFIFO              fifoDraft
	rsInitNotifies             bool

	// logAllFailures is for all checks.
	logAllFailures bool

	lvsTimeouts LVSTimeouts
}

// unset marks a number of globals.garp that is not written and takes the value
// of another one.
const unset = -1

// defaultGlobals are keepalived's defaults, with one change:
// higherPrioSendAdvert is on.
func defaultGlobals() globals {
	return globals{
		version: 2,
		garp: GARP{
			MasterDelay:         5 * time.Second,
			MasterRepeat:        5,
			MasterRefreshRepeat: 1,
			LowerPrioDelay:      unset,
			LowerPrioRepeat:     unset,
		},
		higherPrioSendAdvert: true,
		downTimerAdverts:     defaultDownAdverts,
		multicastGroup4:      netip.AddrFrom4([4]byte{224, 0, 0, 18}),
		multicastGroup6:      netip.AddrFrom16([16]byte{0: 0xff, 1: 0x02, 15: 0x12}),
		vmacPrefix:           "vrrp",
		defaultInterface:     "eth0",
	}
}

// defaultDownAdverts is how many intervals without an advert make a master down,
// RFC 9568 section 6.1.
const defaultDownAdverts = 3

// completeGlobals puts what is for the whole machine into the Config.
func (p *parser) completeGlobals() {
	g := &p.globals
	g.resolve()
	c := &p.config
	c.RouterID, c.LVSTimeouts = g.routerID, g.lvsTimeouts
	c.ScriptSecurity, c.RealTimePriority = g.scriptSecurity, g.realTimePriority
	c.GARPInterval, c.GNAInterval = g.garpInterval, g.gnaInterval
	c.DynamicInterfaces = g.dynamicInterfaces
	c.RsInitNotifies = g.rsInitNotifies
	p.completeFIFOs(g)
}

// resolve fills in what depends on other settings.
func (g *globals) resolve() {
	if g.minGARP {
		g.garp.MasterDelay, g.garp.MasterRepeat = 0, 1
	}
	if g.garp.LowerPrioDelay == unset {
		g.garp.LowerPrioDelay = g.garp.MasterDelay
	}
	if g.garp.LowerPrioRepeat == unset {
		g.garp.LowerPrioRepeat = g.garp.MasterRepeat
	}
}

// garpKeywords are the settings of gratuitous ARP. They have the same names in
// global_defs, behind vrrp_, and in vrrp_instance.
func garpKeywords[T any](prefix string, garp func(*T) *GARP) map[string]keyword[T] {
	return map[string]keyword[T]{
		prefix + "garp_master_delay":          wholeSeconds(func(t *T) *time.Duration { return &garp(t).MasterDelay }),
		prefix + "garp_master_repeat":         integer(1, maxInt, func(t *T) *int { return &garp(t).MasterRepeat }),
		prefix + "garp_master_refresh":        wholeSeconds(func(t *T) *time.Duration { return &garp(t).MasterRefresh }),
		prefix + "garp_master_refresh_repeat": integer(1, maxInt, func(t *T) *int { return &garp(t).MasterRefreshRepeat }),
		prefix + "garp_lower_prio_delay":      wholeSeconds(func(t *T) *time.Duration { return &garp(t).LowerPrioDelay }),
		prefix + "garp_lower_prio_repeat":     integer(0, maxInt, func(t *T) *int { return &garp(t).LowerPrioRepeat }),
	}
}

// longestTimer is the longest time that keepalived takes for a timer: 32 bits of
// microseconds.
const longestTimer = 4294967295 * time.Microsecond

// group reads a multicast group of one address family.
func group[T any](ipv6 bool, field func(*T) *netip.Addr) keyword[T] {
	return keyword[T]{min: 1, max: 1, read: func(p *parser, s *statement, into *T) {
		value := s.args()[0]
		a, ok := p.ip(value)
		switch {
		case !ok:
		case a.Is6() != ipv6:
			p.errorf(value.Position, "%s %s is not an %s address", s.keyword().text, a, familyName(ipv6))
		case p.multicastGroup(s.keyword().text, value, a):
			*field(into) = a
		}
	}}
}

// readDynamicInterfaces reads dynamic_interfaces. That an interface may come back
// as one of another type (allow_if_changes) needs no permission here.
func readDynamicInterfaces(p *parser, s *statement, into *globals) {
	if args := s.args(); len(args) == 0 || p.oneOf(s.keyword(), args[0], []string{"allow_if_changes"}) {
		into.dynamicInterfaces = true
	}
}

var globalsGrammar = grammar[globals]{
	block: "global_defs",
	served: with(garpKeywords("vrrp_", func(g *globals) *GARP { return &g.garp }), scriptKeywords, map[string]keyword[globals]{
		"router_id":                    text(func(g *globals) *string { return &g.routerID }),
		"vrrp_version":                 integer(2, 3, func(g *globals) *int { return &g.version }),
		"vrrp_min_garp":                boolean(func(g *globals) *bool { return &g.minGARP }),
		"vrrp_lower_prio_no_advert":    boolean(func(g *globals) *bool { return &g.lowerPrioNoAdvert }),
		"vrrp_higher_prio_send_advert": boolean(func(g *globals) *bool { return &g.higherPrioSendAdvert }),
		"vrrp_owner_ignore_adverts":    boolean(func(g *globals) *bool { return &g.ownerIgnoresAdverts }),
		"vrrp_notify_priority_changes": boolean(func(g *globals) *bool { return &g.priorityChanges }),
		"vrrp_skip_check_adv_addr":     boolean(func(g *globals) *bool { return &g.skipCheckAdvAddr }),
		"vrrp_down_timer_adverts":      integer(1, 100, func(g *globals) *int { return &g.downTimerAdverts }),
		"vrrp_mcast_group4":            group(false, func(g *globals) *netip.Addr { return &g.multicastGroup4 }),
		"vrrp_mcast_group6":            group(true, func(g *globals) *netip.Addr { return &g.multicastGroup6 }),
		"vrrp_strict":                  flag(func(g *globals) { g.strict = true }),
		"v3_checksum_as_v2":            boolean(func(g *globals) *bool { return &g.checksumAsV2 }),
		"vrrp_check_unicast_src":       flag(func(g *globals) { g.checkUnicastSource = true }),
		"vrrp_startup_delay":           seconds(time.Millisecond, longestTimer, func(g *globals) *time.Duration { return &g.startupDelay }),
		"vrrp_garp_interval":           seconds(time.Microsecond, longestTimer, func(g *globals) *time.Duration { return &g.garpInterval }),
		"vrrp_gna_interval":            seconds(time.Microsecond, longestTimer, func(g *globals) *time.Duration { return &g.gnaInterval }),
		"vrrp_rt_priority":             integer(1, 99, func(g *globals) *int { return &g.realTimePriority }),
		"vmac_prefix":                  text(func(g *globals) *string { return &g.vmacPrefix }),
		"dynamic_interfaces":           {max: 1, read: readDynamicInterfaces},
		"default_interface":            text(func(g *globals) *string { return &g.defaultInterface }),
		"rs_init_notifies":             flag(func(g *globals) { g.rsInitNotifies = true }),
		"checker_log_all_failures":     boolean(func(g *globals) *bool { return &g.logAllFailures }),
		"lvs_timeouts":                 {min: 1, max: maxInt, needs: "tcp, tcpfin or udp with seconds", read: readLVSTimeouts},
	}),
	refused: namespaceKeywords,
	unserved: join(
		outerKeywords, processKeywords,
		unserved("no mail is sent", `notification_email notification_email_from smtp_server smtp_connect_timeout
			smtp_helo_name smtp_alert smtp_alert_vrrp smtp_alert_checker no_checker_emails no_email_faults`),
		unserved("let the service manager run it", `startup_script startup_script_timeout
			shutdown_script shutdown_script_timeout`),
		unserved("a reload that changes no state tells none", "fifo_write_vrrp_states_on_reload"),
		unserved("there is no SNMP; use drover status", `enable_snmp_vrrp enable_snmp_checker enable_snmp_rfc
			enable_snmp_rfcv2 enable_snmp_rfcv3 enable_snmp_keepalived enable_traps snmp_socket
			snmp_vs_stats_update_interval snmp_rs_stats_update_interval`),
		unserved("there is no D-Bus; use drover status", "enable_dbus dbus_service_name dbus_no_interface_name"),
		unserved("addresses on other interfaces are announced like all others; use garp_master_refresh", "vrrp_garp_extra_if vrrp_vmac_garp_intvl"),
		unserved("only the addresses on the interface of the instance get a virtual MAC address", "vmac_addr_prefix"),
		unserved("set net.ipv4.igmp_link_local_mcast_reports yourself", "disable_local_igmp"),
		unserved("VRRP starts at once; vrrp_startup_delay waits at every start", "vrrp_delay_after_boot"),
		unserved("Drover does not use the packet filter", `vrrp_iptables vrrp_ipsets nftables nftables_priority
			nftables_counters nftables_ifindex nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark`),
		unserved("a new master places the connections of the old one anew", "lvs_sync_daemon"),
		unserved("a start takes over what the last run left and changes only what differs", "lvs_flush"),
		unserved("a clean stop takes all virtual servers away at once anyway", "lvs_flush_on_stop"),
		unserved("Drover does not use IPVS", `lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force
			lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force`),
		unserved("adverts for other virtual routers are passed over", "log_unknown_vrids"),
		unserved("drover reload always checks first, and an error changes nothing", "reload_check_config"),
		unserved("use drover reload", "reload_time_file reload_repeat reload_file"),
		unserved("use includea where every file must be there", "include_check"),
		unserved("use drover status --json",
			"state_dump_file stats_dump_file json_dump_file json_version data_use_instance"),
	),
}

// outerKeywords are about keepalived's processes, and may stand at the top level,
// too.
var outerKeywords = join(
	unserved("Drover does not use ipsets", "namespace_with_ipsets"),
	unserved("use --socket and --bpffs to run several Drovers", "instance use_pid_dir"),
	unserved("keepalived's processes do not exist", "child_wait_time"),
	unserved("a link is followed by the kernel's notices only", "linkbeat_use_polling"),
)

// processKeywords are about keepalived's processes.
var processKeywords = join(
	unserved("the memory of VRRP's process stays where it is anyway", "vrrp_no_swap"),
	unserved("keepalived's processes do not exist; set priorities in the service manager", `
		process_names process_name vrrp_process_name checker_process_name bfd_process_name
		vrrp_priority checker_priority bfd_priority checker_rt_priority bfd_rt_priority
		checker_no_swap bfd_no_swap vrrp_cpu_affinity checker_cpu_affinity bfd_cpu_affinity
		vrrp_rlimit_rttime checker_rlimit_rttime bfd_rlimit_rttime vrrp_rlimit_rtime checker_rlimit_rtime
		bfd_rlimit_rtime max_auto_priority min_auto_priority_delay umask
		set_supplementary_groups process_monitor_rcv_bufs process_monitor_rcv_bufs_force`),
	unserved("${_RANDOM} draws the same numbers at every start of one machine anyway", "random_seed"),
	unserved("it has no meaning in Drover", `vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force
		vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force vrrp_rx_bufs_policy
		vrrp_rx_bufs_multiplier config_save_dir tmp_config_directory iproute_usr_dir
		iproute_etc_dir use_symlink_paths`),
)

// namespaceKeywords would have Drover run on other interfaces.
var namespaceKeywords = refused("Drover would run on the interfaces of this network namespace; start Drover inside the other one, with ip netns exec",
	"net_namespace net_namespace_ipvs")
