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
	// Flows is the flow table of all virtual servers together.
	Flows Flows `json:"flows"`
	// Verdicts counts packets by what the XDP program did with them and why; the names are those of the enum in
	// bpf/verdict.h, in lower case with dashes. Only verdicts that were met are listed.
	Verdicts map[string]uint64 `json:"verdicts"`
}

// Instance is one VRRP instance.
type Instance struct {
	Name            string    `json:"name"`
	Interface       string    `json:"interface"`
	VirtualRouterID uint8     `json:"virtual_router_id"`
	Version         int       `json:"version"`
	State           string    `json:"state"` // INIT, BACKUP, MASTER or FAULT
	Priority        uint8     `json:"priority"`
	Addresses       []string  `json:"addresses"` // with prefix length
	Since           time.Time `json:"since"`     // of the state
	// Reason is why it is in this state.
	Reason string `json:"reason,omitempty"`
	// AdvertsSent and AdvertsReceived count adverts; Dropped those that were not listened to, by reason.
	AdvertsSent     uint64            `json:"adverts_sent"`
	AdvertsReceived uint64            `json:"adverts_received"`
	Dropped         map[string]uint64 `json:"dropped"`
}

// VirtualServer is one service.
type VirtualServer struct {
	Address   string `json:"address"`
	Port      uint16 `json:"port"`
	Protocol  string `json:"protocol"` // TCP or UDP
	Scheduler string `json:"scheduler"`
	// Active tells whether this node balances it now: its VRRP instance is MASTER, or it has none.
	Active      bool         `json:"active"`
	Packets     uint64       `json:"packets"`
	Bytes       uint64       `json:"bytes"`
	Connections uint64       `json:"connections"` // placed since the virtual server came into the tables
	RealServers []RealServer `json:"real_servers"`
}

// RealServer is one real server of a virtual server.
type RealServer struct {
	Address string `json:"address"`
	Port    uint16 `json:"port"`
	Weight  int    `json:"weight"` // as configured
	// Up tells whether it may get new connections: its check passes and its MAC address is known.
	Up       bool   `json:"up"`
	Draining bool   `json:"draining"` // weight 0: keeps its connections, gets no new ones
	MAC      string `json:"mac"`      // empty while not known
	// Reason is why it is not up, or what is wrong with it although it is.
	Reason              string `json:"reason,omitempty"`
	ActiveConnections   int    `json:"active_connections"`
	InactiveConnections int    `json:"inactive_connections"` // opening or closing
	Connections         uint64 `json:"connections"`          // placed since it came into the tables
	Packets             uint64 `json:"packets"`
	Bytes               uint64 `json:"bytes"`
	// Check is absent when nothing is checked.
	Check *Check `json:"check,omitempty"`
}

// Check is what a real server's check has seen.
type Check struct {
	Done   uint64    `json:"done"`
	Failed uint64    `json:"failed"` // of those
	Last   time.Time `json:"last"`   // when the last one ended; the zero time before the first
	// LastError is why the last one failed. It can be set while the real server is up: retries are left.
	LastError string `json:"last_error,omitempty"`
}

// Interface is one interface with the XDP program.
type Interface struct {
	Name      string `json:"name"`
	XDPMode   string `json:"xdp_mode"` // native or generic; empty when the program is not attached
	ProgramID uint32 `json:"program_id"`
	// Reason is why the program is not attached.
	Reason string `json:"reason,omitempty"`
}

// Flows is the use of the flow table.
type Flows struct {
	Live     int `json:"live"`
	Capacity int `json:"capacity"`
}

// Reload is the answer to a request to reload.
type Reload struct {
	// Applied tells whether the new configuration is in force. If not, the old one still is.
	Applied bool `json:"applied"`
	// Findings are the errors and warnings, each as FILE:LINE:COL: error|warning: text.
	Findings []string `json:"findings"`
}
