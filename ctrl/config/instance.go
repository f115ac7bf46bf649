package config

import (
	"net/netip"
	"time"
)

// instanceDraft is an instance while its block is read.
type instanceDraft struct {
	Instance

	// Where settings are written; the zero Position if they are not.
	interfaceAt Position
	advertAt    Position
	preemptAt   Position
	delayAt     Position

	// addresses and excluded become Addresses and ExcludedAddresses when the
	// interface of the instance is known.
	addresses, excluded []addressLine

	tracked   []interfaceUse
	multicast netip.Addr

	// leftOut instances are checked but do not get into the Config: one that
	// speaks wrongly is worse than none.
	leftOut bool
}

var instanceGrammar = grammar[instanceDraft]{
	block: "vrrp_instance",
	served: with(garpKeywords("", func(i *instanceDraft) *GARP { return &i.GARP }), map[string]keyword[instanceDraft]{
		"state": {min: 1, max: 1, read: readState},
		"interface": at(func(i *instanceDraft) *Position { return &i.interfaceAt },
			text(func(i *instanceDraft) *string { return &i.Interface })),
		"virtual_router_id": integer(1, 255, func(i *instanceDraft) *uint8 { return &i.VirtualRouterID }),
		"priority":          integer(1, 255, func(i *instanceDraft) *uint8 { return &i.Priority }),
		"version":           integer(2, 3, func(i *instanceDraft) *int { return &i.Version }),
		"advert_int": at(func(i *instanceDraft) *Position { return &i.advertAt },
			seconds(minAdvertInterval, maxAdvertInterval, func(i *instanceDraft) *time.Duration { return &i.AdvertInterval })),
		"authentication":             {block: true, read: readAuthentication},
		"virtual_ipaddress":          {block: true, read: readVirtualAddresses},
		"virtual_ipaddress_excluded": {block: true, read: readExcludedAddresses},
		"track_interface":            {block: true, read: readTrackInterface},
		"dont_track_primary":         flag(func(i *instanceDraft) { i.TrackPrimary = false }),
		"preempt":                    flag(func(i *instanceDraft) { i.Preempt = true }),
		"nopreempt": at(func(i *instanceDraft) *Position { return &i.preemptAt },
			flag(func(i *instanceDraft) { i.Preempt = false })),
		"preempt_delay": at(func(i *instanceDraft) *Position { return &i.delayAt },
			seconds(0, 1000*time.Second, func(i *instanceDraft) *time.Duration { return &i.PreemptDelay })),
		"mcast_src_ip":            address(func(i *instanceDraft) *netip.Addr { return &i.SourceAddress }),
		"mcast_dst_ip":            address(func(i *instanceDraft) *netip.Addr { return &i.multicast }),
		"lower_prio_no_advert":    boolean(func(i *instanceDraft) *bool { return &i.LowerPrioNoAdvert }),
		"higher_prio_send_advert": boolean(func(i *instanceDraft) *bool { return &i.HigherPrioSendAdvert }),
		"skip_check_adv_addr":     boolean(func(i *instanceDraft) *bool { return &i.SkipCheckAdvAddr }),
		"down_timer_adverts":      integer(1, 100, func(i *instanceDraft) *int { return &i.DownTimerAdverts }),
	}),
	unserved: join(
		essential("the instance is left out, because its members could not hear each other", "unicast_peer auth_hmac"),
		essential("the instance is left out, because it would use another MAC address than its members",
			"use_vmac use_vmac_addr use_ipvlan"),
		essential("the instance is left out, because it is for IPv6", "native_ipv6"),
		essential("the instance is left out, because it would run outside its VRF", "vrf"),
		unserved("without unicast_peer it has no meaning", `unicast_src_ip unicast_ttl check_unicast_src
			unicast_fault_no_peer old_unicast_checksum`),
		unserved("without use_vmac it has no meaning", "vmac_xmit_base vmac_garp_intvl"),
		unserved("without VRRP version 3 it has no meaning", "v3_checksum_as_v2"),
		unserved("what it tracks changes neither priority nor state",
			"track_script track_file track_process track_bfd track_src_ip"),
		unserved("no script is run", `notify notify_master notify_backup notify_fault notify_stop notify_deleted
			notify_master_rx_lower_pri notify_priority_changes`),
		unserved("no mail is sent", "smtp_alert"),
		unserved("no routes or rules follow the state", "virtual_routes virtual_rules"),
		unserved("the host accepts all packets for its addresses", "accept no_accept"),
		unserved("the rules of strict mode are not enforced", "strict_mode"),
		unserved("set net.ipv4.conf.INTERFACE.promote_secondaries yourself", "promote_secondaries"),
		unserved("Drover does not use IPVS", "lvs_sync_daemon_interface"),
		unserved("gratuitous ARP is sent on the interface of its address only", "garp_extra_if"),
		unserved("the address owner follows adverts like any other master", "owner_ignore_adverts"),
		unserved("a link is followed by the kernel's notices only", "linkbeat_use_polling"),
		unserved("an instance without virtual_ipaddress gets a warning", "no_virtual_ipaddress"),
		unserved("it has no meaning in Drover", "debug kernel_rx_buf_size timer_expired_backup thread_timer_expired"),
	),
	leaveOut: func(i *instanceDraft) { i.leftOut = true },
}

// The range of advert_int in keepalived, whatever the version.
const (
	minAdvertInterval = 10 * time.Millisecond
	maxAdvertInterval = 255 * time.Second
)

// at notes where a setting is written: its value, or its keyword if it has no
// value.
func at[T any](place func(*T) *Position, k keyword[T]) keyword[T] {
	read := k.read
	k.read = func(p *parser, s *statement, into *T) {
		*place(into) = s.words[min(1, len(s.words)-1)].Position
		read(p, s, into)
	}
	return k
}

// instance reads a vrrp_instance block. What a block with errors lacks is not
// searched for: it probably follows from them.
func (p *parser) instance(s *statement) {
	draft, before := p.newInstance(s), p.errors
	instanceGrammar.read(p, s.block.statements, draft)
	if p.errors > before {
		return
	}
	p.completeInstance(draft)
	if p.checkInstance(draft); draft.leftOut {
		return
	}
	p.checkUnique(draft.Instance)
	p.config.Instances = append(p.config.Instances, draft.Instance)
	p.useInterfaces(draft)
}

// newInstance returns an instance with the defaults that global_defs gives.
func (p *parser) newInstance(s *statement) *instanceDraft {
	g := p.globals
	return &instanceDraft{
		multicast: g.multicastGroup,
		Instance: Instance{
			Position:             s.keyword().Position,
			Name:                 s.args()[0].text,
			Priority:             100,
			AdvertInterval:       time.Second,
			Version:              g.version,
			Preempt:              true,
			GARP:                 g.garp,
			LowerPrioNoAdvert:    g.lowerPrioNoAdvert,
			HigherPrioSendAdvert: g.higherPrioSendAdvert,
			TrackPrimary:         true,
			SkipCheckAdvAddr:     g.skipCheckAdvAddr,
			DownTimerAdverts:     g.downTimerAdverts,
		},
	}
}

func readState(p *parser, s *statement, into *instanceDraft) {
	switch value := s.args()[0]; value.text {
	case "MASTER":
		into.State = Master
	case "BACKUP":
		into.State = Backup
	default:
		p.errorf(value.Position, "state %q is neither MASTER nor BACKUP", value.text)
	}
}

// readTrackInterface reads the interfaces whose fault is a fault of the
// instance, one a line.
func readTrackInterface(p *parser, s *statement, into *instanceDraft) {
	for _, line := range s.block.statements {
		name := line.keyword()
		if p.refuseBlock(line) {
			continue
		}
		if args := line.args(); len(args) > 0 {
			p.warnf(args[0].Position, "%s is not served yet: %s is not tracked", args[0].text, name.text)
			continue
		}
		into.tracked = append(into.tracked, interfaceUse{name.Position, name.text})
		into.TrackInterfaces = append(into.TrackInterfaces, name.text)
	}
}

// refuseBlock reports a block behind a line of a list, where none may stand.
func (p *parser) refuseBlock(line *statement) bool {
	if line.block != nil {
		p.errorf(line.block.opened, "%s takes no block: stray \"{\"", line.keyword().text)
		return true
	}
	return false
}
