package api

import "time"

// Instance is one VRRP instance.
type Instance struct {
	Name            string `json:"name"`
	Interface       string `json:"interface"`
	VirtualRouterID uint8  `json:"virtual_router_id"`
	Version         int    `json:"version"` // of VRRP, 2 or 3
	// SyncGroup is the vrrp_sync_group that it is in, with which it changes state.
	SyncGroup string `json:"sync_group,omitempty"`
	State     string `json:"state"` // INIT, BACKUP, MASTER or FAULT
	// PreviousState is the state before; INIT for one that has just started.
	PreviousState string `json:"previous_state"`
	// Priority is the effective one, BasePriority the configured one. Between them is what is tracked.
	Priority     uint8     `json:"priority"`
	BasePriority uint8     `json:"base_priority"`
	Addresses    []string  `json:"addresses"` // with prefix length
	Since        time.Time `json:"since"`     // of the state
	// Reason is why it is in this state.
	Reason string `json:"reason,omitempty"`
	// Master is the address of the MASTER that this node listens to. Absent on the MASTER.
	Master string `json:"master,omitempty"`
	// Rivals are other nodes that were MASTER beside this one within the last minute: split brain.
	Rivals []Rival `json:"rivals"`
	// Claims are other hosts that answer for an address while this node is MASTER.
	Claims []Claim `json:"claims"`
	// VirtualMAC is absent if the instance uses the one of its interface.
	VirtualMAC *VirtualMAC `json:"virtual_mac,omitempty"`
	// Tracked is all that its priority and its right to be MASTER hang on.
	Tracked []Tracked `json:"tracked"`
	// AdvertsSent and AdvertsReceived count adverts; Dropped those that were not listened to, by reason.
	AdvertsSent     uint64            `json:"adverts_sent"`
	AdvertsReceived uint64            `json:"adverts_received"`
	Dropped         map[string]uint64 `json:"dropped"`
	// Lateness counts adverts and other timers since the instance began, by how much later they were done than they were due.
	Lateness Lateness `json:"lateness"`
}

// Rival is a MASTER beside this one.
type Rival struct {
	Address  string    `json:"address"`
	Priority uint8     `json:"priority"`
	Last     time.Time `json:"last"` // when it was heard last
}

// Claim is an address that another host has, too: a real server that does not keep quiet about it, or a mistake.
type Claim struct {
	Address string `json:"address"`
	MAC     string `json:"mac"` // of the other host
}

// VirtualMAC is a virtual MAC address (use_vmac).
type VirtualMAC struct {
	Interface string `json:"interface"` // the device that has it
	MAC       string `json:"mac"`
}

// Tracked is something that an instance or its sync group tracks.
type Tracked struct {
	Kind  string `json:"kind"` // track_interface, track_script, track_file or track_process
	Name  string `json:"name"`
	State string `json:"state"` // up, down, or unknown before the first answer
	// Value is the number in a file, or how many processes match.
	Value int `json:"value"`
	// Weight is what it counts for; 0: a fault when it is down. With Reverse the sign, or the condition, is the opposite.
	Weight  int  `json:"weight"`
	Reverse bool `json:"reverse"`
	// Reason is why it is down.
	Reason string `json:"reason,omitempty"`
}

// Lateness is a histogram.
type Lateness struct {
	Classes []LatenessClass `json:"classes"`
	Over    uint64          `json:"over"`     // what was later than the last class
	WorstUS int64           `json:"worst_us"` // of all, in microseconds
}

// LatenessClass counts what was late by at most so many microseconds, and by more than those of the class before.
type LatenessClass struct {
	UpToUS int64  `json:"up_to_us"`
	Count  uint64 `json:"count"`
}
