package config

import (
	"net/netip"
	"time"
)

// instanceDraft is an instance while its block is read.
type instanceDraft struct {
	Instance

	// Where settings are written; the zero Position if they are not.
	interfaceAt, stateAt, versionAt, advertAt, preemptAt, delayAt, downAt  Position
	sourceAt, multicastAt, unicastAt, checksumAt, nativeAt, transmitBaseAt Position
	lowerAt, higherAt, acceptAt, lowerGARPAt, ownerAt, priorityChangesAt   Position

	authentication authentication

	// addresses and excluded become Addresses and ExcludedAddresses when the
	// interface of the instance is known.
	addresses, excluded []addressLine

	// routingUses are the interfaces that routes and rules name.
	routingUses []interfaceUse

	// accepts and refuses are accept and no_accept; the last one counts.
	accepts, refuses bool

	// multicast is mcast_dst_ip; the zero Addr without one.
	multicast netip.Addr
}

var instanceGrammar = grammar[instanceDraft]{
	block: "vrrp_instance",
	served: with(
		garpKeywords("", func(i *instanceDraft) *GARP { return &i.GARP }),
		notifyKeywords(func(i *instanceDraft) *Notify { return &i.Notify }),
		instanceNotifyKeywords,
		trackingKeywords(func(i *instanceDraft) *Tracking { return &i.Tracking }),
		electionKeywords, preemptionKeywords, transportKeywords, addressKeywords,
	),
	refused: join(
		refused("Drover signs no adverts, and the other members would not hear it; leave it out on all of them", "auth_hmac"),
		refused("Drover makes no ipvlan interface; write use_vmac, which does the same with a MAC address of its own", "use_ipvlan"),
		refused("the instance would run outside its VRF; start Drover inside it, with ip vrf exec", "vrf"),
	),
	unserved: join(
		unserved("only the addresses on the interface of the instance get a virtual MAC address", "use_vmac_addr"),
		unserved("adverts of unicast have the checksum of the RFC", "old_unicast_checksum"),
		unserved("what it tracks changes neither priority nor state", "track_bfd track_src_ip"),
		unserved("set net.ipv4.conf.INTERFACE.promote_secondaries yourself", "promote_secondaries"),
		unserved("no mail is sent; notify_master and its like can run a script that sends one", "smtp_alert"),
		unserved("Drover does not use IPVS", "lvs_sync_daemon_interface"),
		unserved("addresses on other interfaces are announced like all others; use garp_master_refresh", "garp_extra_if vmac_garp_intvl"),
		unserved("a link is followed by the kernel's notices only", "linkbeat_use_polling"),
		unserved("an instance without virtual_ipaddress gets a warning", "no_virtual_ipaddress"),
		unserved("it has no meaning in Drover", "debug kernel_rx_buf_size timer_expired_backup thread_timer_expired"),
	),
}

// electionKeywords are about who wins.
var electionKeywords = map[string]keyword[instanceDraft]{
	"state": at(func(i *instanceDraft) *Position { return &i.stateAt }, keyword[instanceDraft]{min: 1, max: 1, read: readState}),
	"interface": at(func(i *instanceDraft) *Position { return &i.interfaceAt },
		text(func(i *instanceDraft) *string { return &i.Interface })),
	"virtual_router_id": integer(1, 255, func(i *instanceDraft) *uint8 { return &i.VirtualRouterID }),
	"priority":          integer(1, 255, func(i *instanceDraft) *uint8 { return &i.Priority }),
	"version": at(func(i *instanceDraft) *Position { return &i.versionAt },
		integer(2, 3, func(i *instanceDraft) *int { return &i.Version })),
	"advert_int": at(func(i *instanceDraft) *Position { return &i.advertAt },
		seconds(minAdvertInterval, maxAdvertInterval, func(i *instanceDraft) *time.Duration { return &i.AdvertInterval })),
	"down_timer_adverts": at(func(i *instanceDraft) *Position { return &i.downAt },
		integer(1, 100, func(i *instanceDraft) *int { return &i.DownTimerAdverts })),
	"dont_track_primary": flag(func(i *instanceDraft) { i.TrackPrimary = false }),
	"strict_mode":        boolean(func(i *instanceDraft) *bool { return &i.Strict }),
}

// preemptionKeywords are about what one master does when it hears another.
var preemptionKeywords = map[string]keyword[instanceDraft]{
	"preempt": flag(func(i *instanceDraft) { i.Preempt = true }),
	"nopreempt": at(func(i *instanceDraft) *Position { return &i.preemptAt },
		flag(func(i *instanceDraft) { i.Preempt = false })),
	"preempt_delay": at(func(i *instanceDraft) *Position { return &i.delayAt },
		seconds(0, 1000*time.Second, func(i *instanceDraft) *time.Duration { return &i.PreemptDelay })),
	"lower_prio_no_advert": at(func(i *instanceDraft) *Position { return &i.lowerAt },
		boolean(func(i *instanceDraft) *bool { return &i.LowerPrioNoAdvert })),
	"higher_prio_send_advert": at(func(i *instanceDraft) *Position { return &i.higherAt },
		boolean(func(i *instanceDraft) *bool { return &i.HigherPrioSendAdvert })),
	"owner_ignore_adverts": at(func(i *instanceDraft) *Position { return &i.ownerAt },
		boolean(func(i *instanceDraft) *bool { return &i.OwnerIgnoresAdverts })),
	// As in garpKeywords, but strict mode wants to know where it stands.
	"garp_lower_prio_repeat": at(func(i *instanceDraft) *Position { return &i.lowerGARPAt },
		integer(0, maxInt, func(i *instanceDraft) *int { return &i.GARP.LowerPrioRepeat })),
}

// addressKeywords are about what a master holds.
var addressKeywords = map[string]keyword[instanceDraft]{
	"virtual_ipaddress":          {block: true, read: readVirtualAddresses},
	"virtual_ipaddress_excluded": {block: true, read: readExcludedAddresses},
	"virtual_routes":             {block: true, read: readVirtualRoutes},
	"virtual_rules":              {block: true, read: readVirtualRules},
	"accept": at(func(i *instanceDraft) *Position { return &i.acceptAt },
		flag(func(i *instanceDraft) { i.accepts, i.refuses = true, false })),
	"no_accept": flag(func(i *instanceDraft) { i.accepts, i.refuses = false, true }),
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

// written reports whether the place of a setting is known.
func (p Position) written() bool { return p != Position{} }

// instance reads a vrrp_instance block. What a block with errors lacks is not
// searched for: it probably follows from them.
func (p *parser) instance(s *statement) {
	draft, before := p.newInstance(s), p.errors
	instanceGrammar.read(p, s.block.statements, draft)
	p.checkInstanceName(draft.Instance)
	p.useInterfaces(draft)
	if p.errors > before {
		return
	}
	p.completeInstance(draft)
	if p.checkInstance(draft); p.errors > before {
		return
	}
	p.addInstance(draft.Instance)
	p.ownPriorityChanges[draft.Name] = draft.priorityChangesAt.written()
}

// newInstance returns an instance with the defaults that global_defs gives.
func (p *parser) newInstance(s *statement) *instanceDraft {
	g := p.globals
	return &instanceDraft{
		Instance: Instance{
			Position:             s.keyword().Position,
			Name:                 s.args()[0].text,
			AdvertInterval:       time.Second,
			Version:              g.version,
			ChecksumAsV2:         g.checksumAsV2,
			Strict:               g.strict,
			Preempt:              true,
			StartupDelay:         g.startupDelay,
			UnicastTTL:           255,
			CheckUnicastSource:   g.checkUnicastSource,
			GARP:                 g.garp,
			LowerPrioNoAdvert:    g.lowerPrioNoAdvert,
			HigherPrioSendAdvert: g.higherPrioSendAdvert,
			OwnerIgnoresAdverts:  g.ownerIgnoresAdverts,
			TrackPrimary:         true,
			SkipCheckAdvAddr:     g.skipCheckAdvAddr,
			DownTimerAdverts:     g.downTimerAdverts,

			NotifyPriorityChanges: g.priorityChanges,
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

// refuseBlock reports a block behind a line of a list, where none may stand.
func (p *parser) refuseBlock(line *statement) bool {
	if line.block != nil {
		p.errorf(line.block.opened, "%s takes no block: stray \"{\"", line.keyword().text)
		return true
	}
	return false
}
