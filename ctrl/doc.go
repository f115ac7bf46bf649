// Package ctrl is the control plane: it makes the tables of the data plane follow what is configured and known.
//
// One goroutine, the Controller's, owns what is known. A health verdict, a neighbor's MAC, a link change, a reload: each
// is an event to it. It updates what is known, calls the pure plan, and has the data plane apply the difference. Start,
// restart, reload and repair are this same path, so nothing is ever flushed.
//
// Beside it, each on a goroutine of its own and never waiting for it: a router per VRRP instance, which speaks VRRP and
// moves the gate of its VIPs; a segment per interface, which speaks ARP; a checker per real server.
//
// Where to look:
//
//	controller.go  the events, and what each changes
//	inherit.go     what an earlier process left
//	reload.go      from one configuration to the next; attach.go: the program on the interfaces
//	known.go       all that is known, and what it means for one real server
//	plan.go        known -> tables; interleave.go: weights -> a schedule; identity.go: who keeps which id
//	router.go      one VRRP instance; routerlinks.go: its sockets and interfaces; routeract.go: what its machine asks for
//	segment.go     ARP on one interface; claims.go: others that answer for a VIP
//	checks.go      health checkers
//	status.go      what `drover status` shows
package ctrl
