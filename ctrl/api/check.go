package api

import "time"

// Quorum is how much of a virtual server is up (quorum, hysteresis).
type Quorum struct {
	Up bool `json:"up"`
	// Weight is that of all real servers that are up. The quorum is gained at Required plus Hysteresis and lost below
	// Required less Hysteresis, or at 0.
	Weight     int `json:"weight"`
	Required   int `json:"required"`
	Hysteresis int `json:"hysteresis"`
}

// SorryServer is who gets the connections of a virtual server without quorum (sorry_server). It is not checked.
type SorryServer struct {
	// InUse tells whether it gets them now. Without a quorum it is not while it does not answer ARP or neighbor
	// discovery: then the real servers that are left get them.
	InUse bool `json:"in_use"`
	// RealServer has its counters and whether it answers. A sorry server that is one of the real servers is counted there.
	RealServer
}

// Member is the real server at an index of those listed, or the sorry server behind them.
func (v *VirtualServer) Member(i int) *RealServer {
	if i < len(v.RealServers) {
		return &v.RealServers[i]
	}
	return &v.SorryServer.RealServer
}

// Check is one check of a real server. All virtual servers for which the same is asked share it.
type Check struct {
	Kind string `json:"kind"` // the keyword of its block, as HTTP_GET
	// Address is where it goes, ADDRESS:PORT; empty for MISC_CHECK and FILE_CHECK.
	Address string `json:"address,omitempty"`
	// Path is the way there: address, vip through the VIP, or auto for both (check_path).
	Path string `json:"path"`
	// VIP is the address of the virtual server that it goes through; absent with path address.
	VIP string `json:"vip,omitempty"`
	// Up tells whether it counts as passed, Reason why not. Before the first verdict it does unless it says alpha.
	Up     bool      `json:"up"`
	Reason string    `json:"reason,omitempty"`
	Done   uint64    `json:"done"`
	Failed uint64    `json:"failed"` // of those
	Last   time.Time `json:"last"`   // when the last one ended; the zero time before the first
	// Next is when the next one is due, or when one was that is under way; the zero time while it rests.
	Next time.Time `json:"next"`
	// LastError is why the last one failed. It can be set while Up: retries are left.
	LastError string `json:"last_error,omitempty"`
	// Resting: it is not made while this node does not hold the address (ha_suspend).
	Resting bool `json:"resting"`
	// Unproven is there while the check fails through the VIP and that does not count, for this host may be the reason: no
	// other real server has since passed there (path auto).
	Unproven *Unproven `json:"unproven,omitempty"`
	// OwnAddress is what the real server says at its own address while the check fails through the VIP; absent otherwise.
	OwnAddress *OwnAddress `json:"own_address,omitempty"`
	// Weight is what it says about the weight of the real server; absent if nothing.
	Weight *int `json:"weight,omitempty"`
}

// Unproven is a failure through the VIP that does not count.
type Unproven struct {
	Error  string    `json:"error"`  // why the check fails there
	Proven time.Time `json:"proven"` // when any real server has last passed there; the zero time for never
}

// OwnAddress is a second verdict beside that of a check through the VIP.
type OwnAddress struct {
	At    time.Time `json:"at"`
	Up    bool      `json:"up"`              // the real server answers at its own address
	Error string    `json:"error,omitempty"` // why it does not
	// Cause is the likely reason for the difference, Cure what ends it.
	Cause string `json:"cause,omitempty"`
	Cure  string `json:"cure,omitempty"`
}
