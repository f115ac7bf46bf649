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

	// DelayLoop is the default time between two checks of its real servers
	// (delay_loop). Each Check holds its own, resolved.
	DelayLoop time.Duration

	RealServers []RealServer
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

	// Checks must all pass for the real server to be up. Without any it is
	// always up.
	Checks []Check
}
