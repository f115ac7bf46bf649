// Package ctrl is the control plane: it makes the tables of the data plane follow what is configured and known.
//
// One goroutine, the Controller's, owns what is known. A health verdict, a neighbor's MAC, a link change, a reload: each
// is an event to it. It updates what is known, calls the pure plan, and has the data plane apply the difference. Start,
// restart, reload and repair are this same path, so nothing is ever flushed.
//
// Beside it, each on a goroutine of its own and never waiting for it: a router per VRRP instance, which speaks VRRP and
// moves the gate of its VIPs; a segment per interface, which speaks ARP and NDP; a checker per real server; the sweeper,
// which has idle connections forgotten.
//
// Where to look:
//
//	controller.go  the goroutine; events.go: what it hears, and what each changes
//	inherit.go     what an earlier process left; end.go: leaving nothing behind
//	reload.go      from one configuration to the next; resize.go: tables of another size; attach.go: the program on the
//	               interfaces
//	known.go       all that is known, and what it means for one real server
//	place.go       where packets come in and where each real server is; outlet.go: what is below an interface
//	roster.go      a configuration laid out for planning; capacity.go: whether the tables hold it
//	plan.go        known -> tables; layout.go: real servers and weights -> a schedule; identity.go: who keeps which id
//	sweep.go       idle connections forgotten
//	router.go      one VRRP instance; routerlinks.go: its sockets and interfaces; routeract.go: what its machine asks for
//	segment.go     ARP and NDP on one interface; claims.go: others that answer for a VIP
//	checks.go      health checkers
//	status.go      what `drover status` shows; statuscount.go: what the maps count
package ctrl
