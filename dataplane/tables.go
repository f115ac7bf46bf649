package dataplane

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"time"

	"drover/bpf"
)

// Protocol is an IP protocol number (IANA), ProtocolTCP or ProtocolUDP.
type Protocol uint8

// The protocols that are balanced.
const (
	ProtocolTCP Protocol = 6
	ProtocolUDP Protocol = 17
)

func (p Protocol) String() string {
	switch p {
	case ProtocolTCP:
		return "TCP"
	case ProtocolUDP:
		return "UDP"
	default:
		return fmt.Sprintf("protocol %d", uint8(p))
	}
}

// ServiceKey is what a packet is matched by. Port 0 stands for all ports that no other service of the address has.
type ServiceKey struct {
	Address  netip.AddrPort
	Protocol Protocol
}

func (k ServiceKey) String() string { return fmt.Sprintf("%s %s", k.Protocol, k.Address) }

// Scheduler is how the real server of a new connection is found in the schedule.
type Scheduler uint8

// Schedulers, with the names that keepalived.conf (lb_algo) has for them in brackets.
const (
	// ByTurns takes each entry in its turn (rr, wrr).
	ByTurns = Scheduler(bpf.DroverSchedulerBY_TURNS)
	// ByHash takes the entry that the client hashes to (sh, mh; dh with a schedule of one entry).
	ByHash = Scheduler(bpf.DroverSchedulerBY_HASH)
	// ByTwo takes the less loaded of two entries drawn by chance (twos).
	ByTwo = Scheduler(bpf.DroverSchedulerBY_TWO)
	// LeastConnections takes the entry with the least connections, active ones counting 256 times (lc).
	LeastConnections = Scheduler(bpf.DroverSchedulerLEAST_CONNECTIONS)
	// LeastWeighted is LeastConnections as a share of the weight (wlc).
	LeastWeighted = Scheduler(bpf.DroverSchedulerLEAST_WEIGHTED)
	// LeastDelay takes the entry with the least active connections for its weight, the new one counted in (sed).
	LeastDelay = Scheduler(bpf.DroverSchedulerLEAST_DELAY)
	// NeverQueue takes the first entry without active connections, else goes by LeastDelay (nq).
	NeverQueue = Scheduler(bpf.DroverSchedulerNEVER_QUEUE)
	// First takes the first entry; the schedule is in the order of weights (fo).
	First = Scheduler(bpf.DroverSchedulerFIRST)
	// Overflow takes the first entry with no more active connections than its weight (ovf).
	Overflow = Scheduler(bpf.DroverSchedulerOVERFLOW)
)

// Service says where the packets of a service go.
type Service struct {
	// Gate is the right to forward them.
	Gate GateID
	// Scheduler finds a real server in Schedule.
	Scheduler Scheduler
	// HashPort has ByHash look at the client's port, too (sh-port, mh-port).
	HashPort bool
	// Fallback has ByHash go on to another real server when the one that it finds takes none (sh-fallback, mh-fallback).
	Fallback bool
	// OnePacket makes each datagram a connection of its own (ops).
	OnePacket bool
	// HasLocal says that one of the real servers is at PortLocal: packets from its Peers are for it.
	HasLocal bool
	// Persistence is how long a client is remembered after its last connection; zero for not at all
	// (persistence_timeout). Clients whose addresses begin with the same PersistencePrefix bits count as one
	// (persistence_granularity).
	Persistence       time.Duration
	PersistencePrefix int
	// Schedule is an array of real servers: turns, a hash table, or an order. Empty when none takes new connections. At
	// most MaxSchedule long; for the Least schedulers, NeverQueue, First and Overflow at most MaxSearched.
	Schedule []RealID
}

// RealID names a real server in one service, 1 to the Reals of [Sizes]. Flows remember it: an id that was taken away
// must not be given to another real server before the flows that hold it have expired.
type RealID uint32

// Limits of the tables.
const (
	MaxServices = int(bpf.DroverLimitsSERVICES)
	MaxVIPs     = int(bpf.DroverLimitsVIPS)
	MaxReals    = int(bpf.DroverLimitsMOST_REALS) - 1
	MaxSchedule = 8192
	MaxSearched = int(bpf.DroverLimitsSCAN_LINES) * EntriesPerLine
)

// RealState is what may be sent to a real server.
type RealState uint8

// States of a real server.
const (
	// RealAbsent takes nothing: there is no MAC address to send to.
	RealAbsent = RealState(bpf.DroverRealStateREAL_ABSENT)
	// RealDown keeps its connections and takes no new ones; a connection that is still opening is scheduled again.
	RealDown = RealState(bpf.DroverRealStateREAL_DOWN)
	// RealUp takes what the schedule gives it.
	RealUp = RealState(bpf.DroverRealStateREAL_UP)
)

// MAC is an Ethernet address.
type MAC [6]byte

func (m MAC) String() string { return net.HardwareAddr(m[:]).String() }

// ParseMAC takes the address of an Ethernet interface.
func ParseMAC(address net.HardwareAddr) (MAC, error) {
	if len(address) != len(MAC{}) {
		return MAC{}, fmt.Errorf("%q is not an Ethernet MAC address", address)
	}
	return MAC(address), nil
}

// Real is a real server in one service.
type Real struct {
	Service ServiceKey
	Address netip.AddrPort
	MAC     MAC // zero when State is RealAbsent or the real server is this host
	State   RealState
	// Port is the interface that the real server is behind, or PortLocal.
	Port PortID
	// Weight counts for the schedulers that look at loads.
	Weight uint16
	// Upper is the number of connections from which on the real server takes no new ones, until it has fewer than
	// Lower, or than three quarters of Upper if Lower is zero. Upper zero is no limit. (uthreshold, lthreshold)
	Upper, Lower uint32
}

// PortID names an interface that packets leave by. Zero is the one that they came by, for tables that know of one only.
type PortID uint8

// Ids of ports that are not interfaces, and limits.
const (
	// PortLocal is this host itself: its real server gets packets through the kernel (IPVS's local node).
	PortLocal PortID = 255
	MaxPorts         = int(bpf.DroverLimitsPORTS)
)

// Port is an interface that real servers are behind.
type Port struct {
	Interface int // index
	MAC       MAC // the interface's own
	MTU       int // of IP packets, in bytes
}

// Peer is a balancer that may send this host packets for a service's VIP, because this host is a real server of it.
type Peer struct {
	Service ServiceKey
	MAC     MAC
}

// GateName says which VRRP instance a gate belongs to.
type GateName struct {
	Interface       int // index
	VirtualRouterID uint8
}

// Reals are the real servers by id; a zero Real is an id that is not given.
type Reals []Real

// Set gives an id to a real server.
func (r *Reals) Set(id RealID, real Real) {
	if missing := int(id) + 1 - len(*r); missing > 0 {
		*r = append(*r, make(Reals, missing)...)
	}
	(*r)[id] = real
}

// Get is the real server that has an id; zero if none has.
func (r Reals) Get(id RealID) Real {
	if int(id) >= len(r) {
		return Real{}
	}
	return r[id]
}

// VIP is a virtual address.
type VIP struct {
	Gate GateID // ARP and neighbor discovery find the address only while it is open
	// Refuse drops packets for the address that no service takes, but for neighbor discovery, instead of leaving them to
	// the kernel (no_accept; RFC 9568, 6.1: Accept_Mode is false).
	Refuse bool
}

// Tables are all that the control plane decides, but for the position of the gates.
type Tables struct {
	Services map[ServiceKey]Service
	Reals    Reals
	Ports    map[PortID]Port
	Peers    map[Peer]bool // of services that have a real server at PortLocal; always true
	VIPs     map[netip.Addr]VIP
	Gates    map[GateID]GateName
}

// NewTables returns empty tables.
func NewTables() Tables {
	return Tables{
		Services: make(map[ServiceKey]Service), Ports: make(map[PortID]Port), Peers: make(map[Peer]bool),
		VIPs: make(map[netip.Addr]VIP), Gates: make(map[GateID]GateName),
	}
}

func (t Tables) clone() Tables {
	services := maps.Clone(t.Services)
	for key, service := range services {
		service.Schedule = slices.Clone(service.Schedule)
		services[key] = service
	}
	return Tables{
		Services: services, Reals: slices.Clone(t.Reals), Ports: maps.Clone(t.Ports),
		Peers: maps.Clone(t.Peers), VIPs: maps.Clone(t.VIPs), Gates: maps.Clone(t.Gates),
	}
}

// ErrTablesFull says that there are more of something than the tables have room for.
var ErrTablesFull = errors.New("the tables have no room for it")

// validate refuses ids that mean something else, and what the tables cannot hold.
func (t Tables) validate(sizes Sizes) error {
	if real := t.Reals.Get(0); real != (Real{}) {
		return fmt.Errorf("real server %s of %s has id 0, which stands for none", real.Address, real.Service)
	}
	if len(t.Reals) > sizes.Reals+1 {
		return fmt.Errorf("real server id %d of at most %d: %w", len(t.Reals)-1, sizes.Reals, ErrTablesFull)
	}
	if err := t.validateGates(); err != nil {
		return err
	}
	for id := range t.Ports {
		if int(id) >= MaxPorts {
			return fmt.Errorf("port %d of at most %d: %w", id, MaxPorts-1, ErrTablesFull)
		}
	}
	for key, service := range t.Services {
		if err := service.validate(); err != nil {
			return fmt.Errorf("service %s: %w", key, err)
		}
	}
	return nil
}

// validateGates refuses gates that there are not: the program would pass what they are to keep silent about.
func (t Tables) validateGates() error {
	if _, there := t.Gates[AlwaysOpen]; there {
		return fmt.Errorf("gate %d cannot be given to an instance: it is always open", AlwaysOpen)
	}
	for id := range t.Gates {
		if err := id.validate(); err != nil {
			return err
		}
	}
	for vip, its := range t.VIPs {
		if err := its.Gate.validate(); err != nil {
			return fmt.Errorf("VIP %s: %w", vip, err)
		}
	}
	return nil
}

func (s Service) validate() error {
	if err := s.Gate.validate(); err != nil {
		return err
	}
	most := MaxSchedule
	if s.Scheduler >= LeastConnections {
		most = MaxSearched
	}
	if len(s.Schedule) > most {
		return fmt.Errorf("a schedule of %d entries, at most %d: %w", len(s.Schedule), most, ErrTablesFull)
	}
	return nil
}

// sameTerms compares all but the schedules.
func (s Service) sameTerms(o Service) bool {
	return s.Gate == o.Gate && s.Scheduler == o.Scheduler && s.HashPort == o.HashPort && s.Fallback == o.Fallback &&
		s.OnePacket == o.OnePacket && s.HasLocal == o.HasLocal && s.Persistence == o.Persistence && s.PersistencePrefix == o.PersistencePrefix
}
