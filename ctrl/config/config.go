// Package config reads keepalived.conf text into a validated Config.
//
// It works in two layers. First the text: it is cut into tokens (lexer.go);
// conditional lines, variables, sequences and included files are resolved
// (reader.go, variable.go, builtin.go, sequence.go, include.go); the result is a
// tree of statements that know where they were written (tree.go). Then the meaning:
// what may stand in a block is a table of keywords (grammar.go, value.go). There is
// one file per kind of block and topic. Each writes into the Config, in which every
// default is already resolved: config.go, with vrrp.go, tracking.go, notify.go and
// routing.go for what VRRP does, and server.go, check.go and question.go for what is
// balanced and checked. What is well written but hardly meant is found by meaning.go,
// and between the members of a pair by pair.go. explain.go writes a Config back.
//
// The package is pure: it opens no file or socket and reads no clock. Files
// come through a Source; what only the host knows is asked by CheckHost.
//
// Nothing is passed over in silence. A keyword of keepalived's that Drover does not
// serve is a warning that tells the consequence if the service is the same without
// it, and else an error that tells the reason; a keyword that nobody knows is an
// error with the nearest known word. testdata/keywords.txt has the class of each.
package config

import "time"

// Config is a whole configuration. All defaults and all inheritance between
// blocks are resolved: zero values mean zero, not "unset".
type Config struct {
	// RouterID names this machine in logs (router_id). Empty when not
	// written; keepalived then uses the host name.
	RouterID string

	// Instances are the VRRP instances that Drover serves, in file order.
	Instances []Instance

	// SyncGroups are the groups of instances that change state together, in
	// file order. Every member is one of Instances, and in one group only.
	SyncGroups []SyncGroup

	// Scripts, TrackFiles and TrackProcesses are what instances and groups
	// may track, in file order, tracked or not.
	Scripts        []Script
	TrackFiles     []TrackFile
	TrackProcesses []TrackProcess

	// StaticAddresses, StaticRoutes and StaticRules are there as long as
	// Drover runs, whatever the state of any instance.
	StaticAddresses []VirtualAddress
	StaticRoutes    []Route
	StaticRules     []Rule

	// ScriptSecurity: a script that would run as root is not run if another
	// user could write to any part of its path (enable_script_security).
	ScriptSecurity bool

	// VRRPNotifyFIFO gets the changes of VRRP's states (vrrp_notify_fifo),
	// LVSNotifyFIFO those of virtual and real servers (lvs_notify_fifo), and
	// NotifyFIFO both (notify_fifo).
	NotifyFIFO, VRRPNotifyFIFO, LVSNotifyFIFO FIFO

	// RsInitNotifies: the state of every real server is told at the start, too,
	// to FIFOs and by its NotifyUp (rs_init_notifies).
	RsInitNotifies bool

	// SSL is what SSL_GET checks use. Each of them holds a copy.
	SSL Credentials

	// RealTimePriority is the priority of VRRP's threads under SCHED_RR, 1 to
	// 99; 0, the default, leaves the scheduler to Drover (vrrp_rt_priority).
	RealTimePriority int

	// GARPInterval and GNAInterval are the least times between two
	// gratuitous ARP packets, and between two unsolicited neighbor
	// advertisements, on one interface, whatever the instance; 0, the
	// default, for no pause (vrrp_garp_interval, vrrp_gna_interval).
	GARPInterval, GNAInterval time.Duration

	// DynamicInterfaces: interfaces that are named need not be there
	// (dynamic_interfaces). What is configured on one waits for it.
	DynamicInterfaces bool

	// VirtualServers are the virtual servers that Drover serves, in file
	// order.
	VirtualServers []VirtualServer

	// LVSTimeouts are the timeouts of connections.
	LVSTimeouts LVSTimeouts

	// Drover holds the settings that keepalived has no word for.
	Drover Drover

	// interfaces and files are what the host must have.
	interfaces []interfaceUse
	files      []fileUse
}

// LVSTimeouts say how long a silent connection is remembered, by its state
// (lvs_timeouts): 1 s to 31 days each, 0 for the default, which is IPVS's.
type LVSTimeouts struct {
	// TCP is for established connections. The default is 15 min.
	TCP time.Duration

	// TCPFin is for connections that one side has closed. The default is
	// 2 min.
	TCPFin time.Duration

	// UDP is for UDP flows. The default is 5 min.
	UDP time.Duration
}

// Drover holds Drover's own settings (drover { ... }).
type Drover struct {
	// Flows is the number of connections that the flow table of each address
	// family holds, 1000 to 64000000 (flows). 0, the default, means as many as
	// suit the memory of the machine.
	Flows int

	// CheckPath is the default way of checks to real servers (check_path). Each
	// Check holds its own, resolved.
	CheckPath CheckPath
}
