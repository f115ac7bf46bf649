package config

import (
	"bytes"
	"strconv"
)

// script writes a vrrp_script.
func (w *printer) script(s Script) {
	w.block([]string{"vrrp_script", w.word(s.Name)}, func() {
		w.line("script", command(s.Command))
		w.seconds("interval", s.Interval)
		w.seconds("timeout", s.Timeout)
		w.number("rise", s.Rise)
		w.number("fall", s.Fall)
		w.line(weighted(s.Weight, s.Reverse)...)
		if s.User != "" {
			w.line(append([]string{"user"}, w.by(s.User, s.Group)...)...)
		}
		w.flag("init_fail", s.InitFail)
	})
}

// weighted returns the words of a weight.
func weighted(weight int, reverse bool) []string {
	words := []string{"weight", strconv.Itoa(weight)}
	if reverse {
		words = append(words, "reverse")
	}
	return words
}

// trackFile writes a track_file.
func (w *printer) trackFile(f TrackFile) {
	w.block([]string{"track_file", w.word(f.Name)}, func() {
		w.line("file", w.word(f.Path))
		w.line(weighted(f.Weight, f.Reverse)...)
		switch {
		case f.Overwrite:
			w.line("init_file", strconv.Itoa(f.InitValue), "overwrite")
		case f.InitFile:
			w.line("init_file", strconv.Itoa(f.InitValue))
		}
	})
}

// trackProcess writes a vrrp_track_process.
func (w *printer) trackProcess(t TrackProcess) {
	w.block([]string{"vrrp_track_process", w.word(t.Name)}, func() {
		words := []string{"process"}
		for _, word := range t.Command {
			words = append(words, escaped(word))
		}
		w.line(words...)
		switch t.Match {
		case MatchExact:
			w.line("param_match")
		case MatchPartial:
			w.line("param_match", "partial")
		case MatchInitial:
			w.line("param_match", "initial")
		}
		w.flag("full_command", t.FullCommand)
		w.line(weighted(t.Weight, t.Reverse)...)
		if t.Quorum > 0 {
			w.number("quorum", t.Quorum)
		}
		w.number("quorum_max", t.QuorumMax)
		if t.ForkDelay > 0 {
			w.seconds("fork_delay", t.ForkDelay)
		}
		if t.TerminateDelay > 0 {
			w.seconds("terminate_delay", t.TerminateDelay)
		}
	})
}

// instance writes a vrrp_instance.
func (w *printer) instance(i Instance) {
	w.block([]string{"vrrp_instance", w.word(i.Name)}, func() {
		w.line("state", i.State.String())
		w.line("interface", w.word(i.Interface))
		w.number("virtual_router_id", int(i.VirtualRouterID))
		w.number("priority", int(i.Priority))
		w.number("version", i.Version)
		w.seconds("advert_int", i.AdvertInterval)
		w.onOff("strict_mode", i.Strict)
		if i.AuthType == AuthPass {
			w.block([]string{"authentication"}, func() {
				w.line("auth_type", "PASS")
				w.line("auth_pass", w.word(i.AuthPass))
			})
		}
		w.transport(i)
		w.election(i)
		w.garp(i.GARP)
		list(w, "virtual_ipaddress", i.Addresses, w.address)
		list(w, "virtual_ipaddress_excluded", i.ExcludedAddresses, w.address)
		list(w, "virtual_routes", i.Routes, w.route)
		list(w, "virtual_rules", i.Rules, w.rule)
		w.tracking(i.Tracking)
		w.notifies(i.Notify)
		w.onOff("notify_priority_changes", i.NotifyPriorityChanges)
	})
}

// transport writes how adverts get to the other members.
func (w *printer) transport(i Instance) {
	if i.SourceAddress.IsValid() {
		keyword := "mcast_src_ip"
		if len(i.Unicast) > 0 {
			keyword = "unicast_src_ip"
		}
		w.line(keyword, i.SourceAddress.String())
	}
	if len(i.Unicast) == 0 {
		w.line("mcast_dst_ip", i.MulticastGroup.String())
	}
	list(w, "unicast_peer", i.Unicast, func(p UnicastPeer) []string {
		words := []string{p.Address.String()}
		if p.MinTTL != 0 || p.MaxTTL != 255 {
			words = append(words, "min_ttl", strconv.Itoa(int(p.MinTTL)), "max_ttl", strconv.Itoa(int(p.MaxTTL)))
		}
		return words
	})
	if len(i.Unicast) > 0 || i.UnicastTTL != 255 {
		w.number("unicast_ttl", int(i.UnicastTTL))
	}
	w.flag("check_unicast_src", i.CheckUnicastSource)
	w.flag("unicast_fault_no_peer", i.UnicastFaultNoPeer)
	if i.Version == 3 && !i.MulticastGroup.Is6() {
		w.flag("v3_checksum_as_v2", i.ChecksumAsV2)
	}
	if v := i.VMAC; v != nil {
		words := []string{"use_vmac", w.word(v.Name)}
		if !bytes.Equal(v.Address, i.virtualMAC()) {
			words = append(words, v.Address.String())
		}
		w.line(words...)
		w.flag("vmac_xmit_base", v.TransmitBase)
	}
}

// election writes who wins and what the others do about it.
func (w *printer) election(i Instance) {
	if i.Preempt {
		w.line("preempt")
	} else {
		w.line("nopreempt")
	}
	if i.PreemptDelay > 0 {
		w.seconds("preempt_delay", i.PreemptDelay)
	}
	if i.Accept {
		w.line("accept")
	} else {
		w.line("no_accept")
	}
	w.onOff("lower_prio_no_advert", i.LowerPrioNoAdvert)
	w.onOff("higher_prio_send_advert", i.HigherPrioSendAdvert)
	w.flag("owner_ignore_adverts", i.OwnerIgnoresAdverts)
	w.onOff("skip_check_adv_addr", i.SkipCheckAdvAddr)
	w.number("down_timer_adverts", i.DownTimerAdverts)
	w.flag("dont_track_primary", !i.TrackPrimary)
}

func (w *printer) garp(g GARP) {
	w.seconds("garp_master_delay", g.MasterDelay)
	w.number("garp_master_repeat", g.MasterRepeat)
	w.seconds("garp_master_refresh", g.MasterRefresh)
	w.number("garp_master_refresh_repeat", g.MasterRefreshRepeat)
	w.seconds("garp_lower_prio_delay", g.LowerPrioDelay)
	w.number("garp_lower_prio_repeat", g.LowerPrioRepeat)
}

// syncGroup writes a vrrp_sync_group.
func (w *printer) syncGroup(g SyncGroup) {
	w.block([]string{"vrrp_sync_group", w.word(g.Name)}, func() {
		list(w, "group", g.Members, func(name string) []string { return []string{w.word(name)} })
		w.flag("sync_group_tracking_weight", g.TrackingWeight)
		w.tracking(g.Tracking)
		w.notifies(g.Notify)
	})
}

func (w *printer) tracking(t Tracking) {
	list(w, "track_interface", t.TrackInterfaces, func(i TrackInterface) []string {
		return append([]string{w.word(i.Name)}, weighted(i.Weight, i.Reverse)...)
	})
	line := func(t Track) []string {
		words := append([]string{w.word(t.Name)}, weighted(t.Weight, t.Reverse)...)
		if !t.Reverse {
			words = append(words, "noreverse")
		}
		return words
	}
	list(w, "track_script", t.TrackScripts, line)
	list(w, "track_file", t.TrackFiles, line)
	list(w, "track_process", t.TrackProcesses, line)
}

func (w *printer) notifies(n Notify) {
	w.notify("notify_master", n.Master)
	w.notify("notify_backup", n.Backup)
	w.notify("notify_fault", n.Fault)
	w.notify("notify_stop", n.Stop)
	w.notify("notify_deleted", n.Deleted)
	w.notify("notify_master_rx_lower_pri", n.LowerPriority)
	w.notify("notify", n.Any)
}
