// Package api is the daemon's face at run time: what it tells (Status) and how it is asked, HTTP over a unix socket.
//
// It knows value types only; the controller fills them.
package api

import "time"

// Status is all that `drover status --json` prints. Fields are only ever added.
type Status struct {
	Instances      []Instance      `json:"instances"`
	VirtualServers []VirtualServer `json:"virtual_servers"`
	Interfaces     []Interface     `json:"interfaces"`
	// Flows are the flow tables, which all virtual servers share.
	Flows Flows `json:"flows"`
	// Verdicts counts packets by what the XDP program did with them and why; the names are those of the enum in
	// bpf/verdict.h, in lower case with dashes. Only verdicts that were met are listed.
	Verdicts map[string]uint64 `json:"verdicts"`
	// Findings are what is wrong on the LAN as far as the daemon sees: who answers for VIPs, real servers that are not reached
	// through the VIP. `drover doctor` adds what it finds on the host.
	Findings []Finding `json:"findings"`
	// LastReload is absent before the first.
	LastReload *LastReload `json:"last_reload,omitempty"`
}

// VirtualServer is one service. A virtual server of a group has one for each address and port of the group.
type VirtualServer struct {
	Address   string `json:"address"`
	Port      uint16 `json:"port"`            // 0: all ports that no other virtual server has
	Protocol  string `json:"protocol"`        // TCP or UDP
	Group     string `json:"group,omitempty"` // the name of the virtual server group
	Scheduler string `json:"scheduler"`       // lb_algo
	// Flags are the scheduler's, as keepalived.conf has them: sh-port, sh-fallback, mh-port, mh-fallback, ops.
	Flags []string `json:"flags"`
	// PersistenceTimeout is in seconds, 0 without persistence. Clients whose addresses begin with the same
	// PersistencePrefix bits count as one.
	PersistenceTimeout int `json:"persistence_timeout"`
	PersistencePrefix  int `json:"persistence_prefix"`
	// Active tells whether this node balances it now: its VRRP instance is MASTER, or it has none.
	Active      bool         `json:"active"`
	Packets     uint64       `json:"packets"`
	Bytes       uint64       `json:"bytes"`
	Connections uint64       `json:"connections"` // placed since the virtual server came into the tables
	RealServers []RealServer `json:"real_servers"`
	// Quorum is whether enough of them are up, by weight.
	Quorum Quorum `json:"quorum"`
	// SorryServer gets the connections while the quorum is lost. Absent without one.
	SorryServer *SorryServer `json:"sorry_server,omitempty"`
}

// RealServer is one real server of a virtual server.
type RealServer struct {
	Address string `json:"address"`
	Port    uint16 `json:"port"`
	// Interface is the one that it is behind; empty if it is Local: this host itself.
	Interface string `json:"interface"`
	Local     bool   `json:"local"`
	Weight    int    `json:"weight"` // as configured
	// CheckedWeight is the weight with what checks add to it (misc_dynamic, FILE_CHECK).
	CheckedWeight int `json:"checked_weight"`
	// UpperThreshold and LowerThreshold are the numbers of connections from which on it gets no new ones, and below
	// which it gets some again; 0 for none (uthreshold, lthreshold).
	UpperThreshold uint32 `json:"upper_threshold"`
	LowerThreshold uint32 `json:"lower_threshold"`
	// Up tells whether it may get new connections: its checks pass and its MAC address is known.
	Up         bool `json:"up"`
	Draining   bool `json:"draining"`   // weight 0: keeps its connections, gets no new ones
	Overloaded bool `json:"overloaded"` // has reached its upper threshold: gets no new ones now
	// Suspected tells whether clients get no answer from it any more, going by their packets: it gets fewer new connections.
	Suspected bool `json:"suspected"`
	// Share is what it gets of what its weight is worth, above 0 to 1: less than 1 while it is suspected, and in a slow start.
	Share float64 `json:"share"`
	MAC   string  `json:"mac"` // empty while not known
	// Reason is why it is not up, or what is wrong with it although it is.
	Reason              string `json:"reason,omitempty"`
	ActiveConnections   int    `json:"active_connections"`   // opening or established
	InactiveConnections int    `json:"inactive_connections"` // closing, and UDP
	Connections         uint64 `json:"connections"`          // placed since it came into the tables
	Packets             uint64 `json:"packets"`
	Bytes               uint64 `json:"bytes"`
	// Checks must all pass. Check is the first of them, and absent without any.
	Checks []Check `json:"checks"`
	Check  *Check  `json:"check,omitempty"`
}

// Interface is one interface that packets come in or leave by.
type Interface struct {
	Name string `json:"name"`
	// Device is the interface below it that has the XDP program, if that is another one: a VLAN has none of its own.
	Device    string `json:"device,omitempty"`
	XDPMode   string `json:"xdp_mode"` // native or generic; empty when the program is not attached
	ProgramID uint32 `json:"program_id"`
	// Reason is why the program is not attached.
	Reason string `json:"reason,omitempty"`
	// ProbeReason is why health checks cannot go through VIPs to the real servers behind it (check_path): they go to the real
	// servers' own addresses meanwhile.
	ProbeReason string `json:"probe_reason,omitempty"`
}

// Flows is the use of the flow tables.
type Flows struct {
	Live     int       `json:"live"`     // of both tables
	Capacity int       `json:"capacity"` // of both tables
	IPv4     FlowTable `json:"ipv4"`
	IPv6     FlowTable `json:"ipv6"`
	// Displaced counts the flows that had to go for others, by the state that they were in, since the tables were made.
	Displaced map[string]uint64 `json:"displaced"`
}

// FlowTable is the use of one flow table about a second ago.
type FlowTable struct {
	Capacity int `json:"capacity"` // how many flows it is made for
	Slots    int `json:"slots"`    // how many it could hold at the very most
	Live     int `json:"live"`     // that have not expired
	// States counts the flows by state; the names are those of the enum flow_state in bpf/tables.h, in lower case with
	// dashes and without "flow".
	States map[string]int `json:"states"`
}

// LastReload is how the daemon was last asked to read its configuration again, and what came of it.
type LastReload struct {
	At     time.Time `json:"at"`
	TookMS int64     `json:"took_ms"` // milliseconds
	Reload
	// Error is why the configuration was not even read, or was refused for another reason than its findings.
	Error string `json:"error,omitempty"`
}

// Reload is the answer to a request to reload.
type Reload struct {
	// Applied tells whether the new configuration is in force. If not, the old one still is.
	Applied bool `json:"applied"`
	// Findings are the errors and warnings, each as FILE:LINE:COL: error|warning: text.
	Findings []string `json:"findings"`
}
