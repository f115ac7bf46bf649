package config

import (
	"net/netip"
	"time"
)

// Protocol is the transport protocol of a virtual server (protocol).
type Protocol int

// The protocols that Drover balances.
const (
	TCP Protocol = iota
	UDP
)

// String returns the protocol as keepalived.conf writes it.
func (p Protocol) String() string {
	if p == UDP {
		return "UDP"
	}
	return "TCP"
}

// VirtualServer is one balanced service (virtual_server ADDRESS [PORT], or
// virtual_server group NAME).
type VirtualServer struct {
	Position

	// Address and Port are what clients connect to. Port 0 stands for all
	// ports of the address but those of other virtual servers. Both are zero
	// for a virtual server of a group.
	Address netip.Addr
	Port    uint16

	// Group is the name of the virtual server group; empty without one.
	Group string

	// Members are the addresses and ports of the group, ranges written out, in
	// the order of the file: 1 to 4096, each once and all of one address
	// family. Virtual servers of one group share them: do not change them.
	Members []netip.AddrPort

	Protocol Protocol

	// Scheduler is rr, wrr, lc, wlc, sed, nq, sh, dh, mh, fo, ovf or twos
	// (lb_algo). Default wlc.
	Scheduler string

	// HashPorts: sh and mh choose by the client's port, too, and not by its
	// address alone (sh-port, mh-port).
	HashPorts bool

	// Fallback: sh and mh go on to another real server when the one that they
	// chose takes no new connections (sh-fallback, mh-fallback). Without it the
	// connection gets none.
	Fallback bool

	// OnePacket: every packet is scheduled for itself and no flow is kept
	// (ops). With UDP only.
	OnePacket bool

	// PersistenceTimeout is how long a client keeps its real server after its
	// last connection, 1 s to 31 days (persistence_timeout). 0: connections
	// are scheduled one by one. Never 0 if a port is 0.
	PersistenceTimeout time.Duration

	// PersistencePrefix is the number of leading bits of a client's address
	// that make it one client for persistence, 1 to 32 for IPv4 and 1 to 128 for
	// IPv6 (persistence_granularity). Default all; 0 without persistence.
	PersistencePrefix int

	// SlowStart is the time in which the share of a real server that has come
	// up again grows from a tenth to the whole, 1 s to a day (slow_start). 0, the
	// default: it has the whole at once. Always 0 under sh, mh, dh and fo.
	SlowStart time.Duration

	// DelayLoop is the default time between two checks of its real servers
	// (delay_loop). Each Check holds its own, resolved.
	DelayLoop time.Duration

	RealServers []RealServer

	// Quorum is the least total weight of real servers that are up for the
	// virtual server to have its quorum, from 1 (quorum). Default 1. It is gained
	// with a weight of Quorum + Hysteresis and lost below Quorum - Hysteresis,
	// where Hysteresis is below Quorum (hysteresis). Default 0.
	Quorum, Hysteresis int

	// QuorumUp and QuorumDown run when the quorum is gained and lost; nil for
	// none (quorum_up, quorum_down).
	QuorumUp, QuorumDown *NotifyScript

	// Alpha: without a check that has succeeded, the quorum is not there (alpha).
	// Each Check holds its own Alpha, resolved.
	Alpha bool

	// Omega: QuorumDown and the NotifyDown of real servers run at the end, too
	// (omega).
	Omega bool

	// HASuspend: checks rest while this host does not hold the address
	// (ha_suspend).
	HASuspend bool

	// SorryServer takes the place of the real servers while there is no quorum;
	// invalid for none (sorry_server). Its port is that of the virtual server,
	// or 0. SorryServerInhibit keeps it in the table with weight 0 at all other
	// times (sorry_server_inhibit).
	SorryServer        netip.AddrPort
	SorryServerInhibit bool
}

// Endpoints returns the addresses and ports of the virtual server: its Members,
// or the one Address and Port. Do not change them.
func (v VirtualServer) Endpoints() []netip.AddrPort {
	if v.Group != "" {
		return v.Members
	}
	return []netip.AddrPort{netip.AddrPortFrom(v.Address, v.Port)}
}

// RealServer is one server behind a virtual server (real_server).
type RealServer struct {
	Position

	// Address has the address family of the virtual server.
	Address netip.Addr

	// Port is where checks connect to. Traffic always arrives at the virtual
	// server's port: direct return does not rewrite it. Default the virtual
	// server's; 0 when that has all ports or several.
	Port uint16

	// Weight is 0 to 65535, default 1. 0 means no new connections; existing
	// ones continue. What more it means is up to the scheduler: the share under
	// wrr, wlc, sed, nq, sh, mh and twos, the rank under fo, the number of
	// connections under ovf, and nothing under rr, lc and dh.
	Weight int

	// UpperThreshold is the number of connections from which on the real
	// server gets no new ones (uthreshold). 0 means no limit.
	UpperThreshold uint32

	// LowerThreshold is the number of connections below which a real server
	// that had reached UpperThreshold gets new ones again, 0 to UpperThreshold
	// (lthreshold). 0 means three quarters of UpperThreshold, as in IPVS.
	LowerThreshold uint32

	// InhibitOnFailure: a failed check sets the weight to 0 instead of
	// removing the real server (inhibit_on_failure).
	InhibitOnFailure bool

	// NotifyUp and NotifyDown run when the real server comes up and goes down;
	// nil for none (notify_up, notify_down).
	NotifyUp, NotifyDown *NotifyScript

	// Checks must all pass for the real server to be up. Without any it is
	// always up.
	Checks []Check
}
