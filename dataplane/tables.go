package dataplane

import (
	"bytes"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"

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

// ServiceKey is what a packet is matched by. The address is IPv4.
type ServiceKey struct {
	Address  netip.AddrPort
	Protocol Protocol
}

func (k ServiceKey) String() string { return fmt.Sprintf("%s %s", k.Protocol, k.Address) }

// Service says where the packets of a service go.
type Service struct {
	// Gate is the right to forward them.
	Gate GateID
	// Schedule is the order in which real servers take new connections; they take turns, over and over. Empty when
	// none takes any. At most MaxSchedule long.
	Schedule []RealID
}

// RealID names a real server in one service, 1 to MaxReals. Flows remember it: an id that was taken away must not be
// given to another real server before the flows that hold it have expired.
type RealID uint16

// Limits of the tables.
const (
	MaxReals    = int(bpf.DroverLimitsREALS) - 1
	MaxVIPs     = int(bpf.DroverLimitsVIPS)
	MaxSchedule = 4096
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

// Real is a real server in one service.
type Real struct {
	Service ServiceKey
	Address netip.AddrPort
	MAC     net.HardwareAddr // nil only when State is RealAbsent
	State   RealState
}

func (r Real) equal(o Real) bool {
	return r.Service == o.Service && r.Address == o.Address && bytes.Equal(r.MAC, o.MAC) && r.State == o.State
}

// GateName says which VRRP instance a gate belongs to.
type GateName struct {
	Interface       int // index
	VirtualRouterID uint8
}

// Tables are all that the control plane decides, but for the position of the gates.
type Tables struct {
	Services map[ServiceKey]Service
	Reals    map[RealID]Real
	VIPs     map[netip.Addr]GateID // answered by ARP only while the gate is open
	Gates    map[GateID]GateName
}

// NewTables returns empty tables.
func NewTables() Tables {
	return Tables{
		Services: make(map[ServiceKey]Service), Reals: make(map[RealID]Real),
		VIPs: make(map[netip.Addr]GateID), Gates: make(map[GateID]GateName),
	}
}

// clone copies the tables as deep as Apply changes them.
func (t Tables) clone() Tables {
	c := Tables{
		Services: maps.Clone(t.Services), Reals: maps.Clone(t.Reals),
		VIPs: maps.Clone(t.VIPs), Gates: maps.Clone(t.Gates),
	}
	for key, service := range c.Services {
		service.Schedule = slices.Clone(service.Schedule)
		c.Services[key] = service
	}
	for id, real := range c.Reals {
		real.MAC = slices.Clone(real.MAC)
		c.Reals[id] = real
	}
	return c
}

// validate refuses ids that mean something else.
func (t Tables) validate() error {
	if real, there := t.Reals[0]; there {
		return fmt.Errorf("real server %s of %s has id 0, which stands for none", real.Address, real.Service)
	}
	if _, there := t.Gates[AlwaysOpen]; there {
		return fmt.Errorf("gate %d cannot be given to an instance: it is always open", AlwaysOpen)
	}
	return nil
}

func (s Service) equal(o Service) bool {
	return s.Gate == o.Gate && slices.Equal(s.Schedule, o.Schedule)
}
