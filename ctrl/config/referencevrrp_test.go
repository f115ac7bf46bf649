package config

import (
	"net"
	"net/netip"
	"time"
)

// asRoot is a command that the script_user of the reference runs.
func asRoot(command ...string) *NotifyScript {
	return &NotifyScript{Command: command, User: "root", Group: "root"}
}

// referenceTracking is what the reference says outside of instances and servers.
func referenceTracking() Config {
	return Config{
		SyncGroups: []SyncGroup{referenceGroup()},
		Scripts:    []Script{referenceScript()},
		TrackFiles: []TrackFile{
			{Name: "MAINTENANCE", Path: "/run/drover-maintenance", InitFile: true, Overwrite: true},
			{Name: "LOAD", Path: "/run/drover-load", Weight: 1},
		},
		TrackProcesses: []TrackProcess{referenceProcess()},
		StaticAddresses: []VirtualAddress{
			{Prefix: netip.MustParsePrefix("10.0.1.1/24"), Interface: "eth1"},
			{Prefix: netip.MustParsePrefix("2001:db8:1::1/128"), Interface: "enp2s0"},
		},
		StaticRoutes: []Route{{
			Destination: netip.MustParsePrefix("10.2.0.0/16"),
			Type:        "unicast",
			Via:         netip.MustParseAddr("10.0.1.254"),
			Interface:   "eth1",
			Table:       100,
			Protocol:    18,
		}},
		StaticRules:      []Rule{{From: netip.MustParsePrefix("10.0.1.0/24"), Action: "table", Table: 100, Priority: 500}},
		ScriptSecurity:   true,
		RealTimePriority: 50,
		GARPInterval:     time.Millisecond,
		GNAInterval:      2 * time.Millisecond,
		NotifyFIFO: FIFO{
			Path: "/run/drover-notify.fifo", User: "root", Group: "root",
			Script: &NotifyScript{Command: []string{"/bin/cat", "-u"}, User: "root"},
		},
		VRRPNotifyFIFO: FIFO{Path: "/run/drover-vrrp.fifo", Script: asRoot("/bin/cat")},
	}
}

func referenceScript() Script {
	return Script{
		Name:     "CHECK",
		Command:  []string{"/bin/test", "-e", "/etc/hostname"},
		Interval: 2 * time.Second,
		Timeout:  time.Second,
		Rise:     2,
		Fall:     3,
		Weight:   20,
		Reverse:  true,
		User:     "root",
		InitFail: true,
	}
}

func referenceProcess() TrackProcess {
	return TrackProcess{
		Name:           "PROXY",
		Command:        []string{"haproxy", "-W"},
		FullCommand:    true,
		Match:          MatchPartial,
		Weight:         -10,
		Quorum:         2,
		QuorumMax:      8,
		ForkDelay:      time.Second,
		TerminateDelay: 1500 * time.Millisecond,
	}
}

func referenceGroup() SyncGroup {
	return SyncGroup{
		Name:    "BOTH",
		Members: []string{"QUIET", "CLOUD"},
		Tracking: Tracking{
			TrackInterfaces: []TrackInterface{{Name: "eth2", Weight: 3}},
			TrackScripts:    []Track{{Name: "CHECK", Weight: -4}},
			TrackFiles:      []Track{{Name: "LOAD", Weight: 1}},
			TrackProcesses:  []Track{{Name: "PROXY", Weight: -10}},
		},
		Notify: Notify{
			Master: asRoot("/bin/echo", "master"),
			Backup: asRoot("/bin/echo", "backup"),
			Fault:  asRoot("/bin/echo", "fault"),
			Stop:   asRoot("/bin/echo", "stop"),
			Any:    asRoot("/bin/echo"),
		},
		TrackingWeight: true,
	}
}

// referenceInstance is the instance that shows most keywords.
func referenceInstance() Instance {
	i := withDefaults(Instance{
		Name:            "SERVICE",
		Interface:       "enp1s0",
		State:           Backup,
		VirtualRouterID: 110,
		Priority:        11,
		AdvertInterval:  2 * time.Second,
		AuthType:        AuthPass,
		AuthPass:        "def 345",
		ExcludedAddresses: []VirtualAddress{
			{Prefix: netip.MustParsePrefix("192.168.100.223/24"), Interface: "enp2s0"},
			{Prefix: netip.MustParsePrefix("2001:db8::221/64"), Interface: "enp1s0"},
		},
		PreemptDelay:   2500 * time.Millisecond,
		SourceAddress:  netip.MustParseAddr("192.168.100.211"),
		MulticastGroup: netip.MustParseAddr("224.0.0.19"),
		Tracking: Tracking{
			TrackInterfaces: []TrackInterface{{Name: "enp2s0"}, {Name: "eth1", Weight: -30}},
			TrackScripts:    []Track{{Name: "CHECK", Weight: 20, Reverse: true}},
			TrackFiles:      []Track{{Name: "MAINTENANCE"}},
			TrackProcesses:  []Track{{Name: "PROXY", Weight: 5, Reverse: true}},
		},
	})
	i.Addresses = []VirtualAddress{{
		Prefix:    netip.MustParsePrefix("192.168.100.221/24"),
		Interface: "enp1s0",
		Label:     "enp1s0:1",
		Broadcast: netip.MustParseAddr("192.168.100.255"),
		Scope:     "global",
	}, {
		Prefix:    netip.MustParsePrefix("192.168.100.222/32"),
		Interface: "enp1s0",
	}}
	i.Routes, i.Rules = referenceRouting()
	i.Notify = referenceNotify()
	i.GARP = GARP{
		MasterDelay:         6 * time.Second,
		MasterRepeat:        3,
		MasterRefresh:       time.Minute,
		MasterRefreshRepeat: 3,
		LowerPrioDelay:      7 * time.Second,
		LowerPrioRepeat:     2,
	}
	i.LowerPrioNoAdvert, i.HigherPrioSendAdvert = false, true
	i.TrackPrimary, i.SkipCheckAdvAddr = false, false
	i.DownTimerAdverts = 5
	return i
}

func referenceNotify() Notify {
	return Notify{
		Master:        asRoot("/bin/echo", "is master"),
		Backup:        asRoot("/bin/echo", "backup"),
		Fault:         asRoot("/bin/echo", "fault"),
		Stop:          asRoot("/bin/echo", "stop"),
		Deleted:       asRoot("/bin/echo", "deleted"),
		LowerPriority: asRoot("/bin/echo", "lower"),
		Any:           asRoot("/bin/echo"),
	}
}

func referenceRouting() ([]Route, []Rule) {
	return []Route{{
			Destination: netip.MustParsePrefix("10.8.0.0/16"),
			Type:        "unicast",
			Via:         netip.MustParseAddr("192.168.100.254"),
			Interface:   "enp1s0",
			Source:      netip.MustParseAddr("192.168.100.221"),
			Metric:      7,
			Table:       254,
			Protocol:    18,
		}, {
			Destination: netip.MustParsePrefix("10.9.0.0/16"),
			Type:        "blackhole",
			Table:       254,
			Protocol:    18,
		}}, []Rule{{
			From:     netip.MustParsePrefix("192.168.100.0/24"),
			FWMark:   0x10,
			FWMask:   0xff,
			Action:   "table",
			Table:    100,
			Priority: 600,
		}, {
			To:       netip.MustParsePrefix("10.9.0.0/16"),
			OIf:      "enp1s0",
			Action:   "prohibit",
			Priority: 601,
		}}
}

// withDefaults adds what global_defs of the reference says to an instance.
func withDefaults(i Instance) Instance {
	if i.Priority == 0 {
		i.Priority = 100
	}
	if i.AdvertInterval == 0 {
		i.AdvertInterval = time.Second
	}
	if i.Version == 0 {
		i.Version = 2
	}
	if !i.MulticastGroup.IsValid() {
		i.MulticastGroup = netip.MustParseAddr("224.0.0.18")
	}
	if i.UnicastTTL == 0 {
		i.UnicastTTL = 255
	}
	i.GARP = GARP{
		MasterDelay:         10 * time.Second,
		MasterRepeat:        4,
		MasterRefresh:       2 * time.Minute,
		MasterRefreshRepeat: 2,
		LowerPrioDelay:      11 * time.Second,
		LowerPrioRepeat:     6,
	}
	i.Accept, i.TrackPrimary, i.SkipCheckAdvAddr, i.LowerPrioNoAdvert = true, true, true, true
	i.NotifyPriorityChanges = i.Name == "SERVICE" || i.Name == "SIX" // the others are in a group
	i.Preempt = i.Name != "QUIET"
	i.StartupDelay = 1500 * time.Millisecond
	i.DownTimerAdverts = 4
	return i
}

func quietInstance() Instance {
	return withDefaults(Instance{
		Name:            "QUIET",
		Interface:       "enp2s0",
		VirtualRouterID: 120,
		Addresses: []VirtualAddress{{
			Prefix:    netip.MustParsePrefix("10.0.0.1/24"),
			Interface: "enp2s0",
		}},
	})
}

func cloudInstance() Instance {
	return withDefaults(Instance{
		Name:            "CLOUD",
		Interface:       "eth1",
		VirtualRouterID: 130,
		Version:         3,
		AdvertInterval:  100 * time.Millisecond,
		ChecksumAsV2:    true,
		Addresses: []VirtualAddress{{
			Prefix:    netip.MustParsePrefix("10.0.2.1/24"),
			Interface: "eth1",
		}},
		SourceAddress: netip.MustParseAddr("10.0.2.11"),
		Unicast: []UnicastPeer{
			{Address: netip.MustParseAddr("10.0.2.12"), MinTTL: 254, MaxTTL: 255},
			{Address: netip.MustParseAddr("10.0.2.13"), MaxTTL: 255},
		},
		UnicastTTL:         64,
		CheckUnicastSource: true,
	})
}

func sixInstance() Instance {
	return withDefaults(Instance{
		Name:            "SIX",
		Interface:       "eth1",
		VirtualRouterID: 140,
		Version:         3,
		Addresses: []VirtualAddress{{
			Prefix:    netip.MustParsePrefix("fe80::140/64"),
			Interface: "eth1",
			OnVMAC:    true,
		}, {
			Prefix:     netip.MustParsePrefix("2001:db8::140/128"),
			Interface:  "eth1",
			OnVMAC:     true,
			Deprecated: true,
		}},
		MulticastGroup: netip.MustParseAddr("ff02::12"),
		VMAC: &VMAC{
			Name:         "vr6.140",
			Address:      net.HardwareAddr{0, 0, 0x5e, 0, 2, 140},
			TransmitBase: true,
		},
	})
}
