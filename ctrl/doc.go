// Package ctrl is the control plane: it makes the tables of the data plane follow what is configured and known.
//
// One goroutine, the Controller's, owns what is known. A health verdict, a neighbor's MAC, a link change, a reload: each
// is an event to it. It updates what is known, calls the pure plan, and has the data plane apply the difference. Start,
// restart, reload and repair are this same path, so nothing is ever flushed.
//
// Beside it: a segment per interface, which speaks ARP and NDP; a checker for all that ask the same of a real server;
// trackers and notify scripts; the sweeper, which has idle connections forgotten.
//
// VRRP is in a process of its own (RunVRRP), which the controller starts, and which never waits for it: the elections of all
// instances, on a thread that does nothing but hear and send adverts, keep their timers, move the gates and announce what
// cannot wait; and the errands, which do for them what may take long, as addresses, routes and sockets. The controller gives
// orders, and hears what scripts are to be told and how all stands. When one of the two processes dies the other
// one ends too, as in a crash: on its lease. One that hangs is noticed: without the controller no instance is MASTER for
// longer than five seconds, and a process of VRRP that hangs is killed.
//
// What is watched on this host comes to an election as one value, the fitness of its instance: a change of priority, a
// fault, or the wish that another node be MASTER. A node is in FAULT
//
//   - while it cannot speak: its interface is away, or has no address to speak from;
//   - while a thing that it tracks without a weight is down, its own interface among them;
//   - while no program is attached where packets for its virtual servers come in;
//   - while not one of its real servers answers it and another node is MASTER. Without another MASTER it serves: when all
//     real servers are off the addresses must live somewhere. At the start it waits a second for the first answer.
//
// A MASTER that no real server answers offers the role to others by the lowest priority, and goes on until one takes it
// (lowering.go).
//
// Where to look:
//
//	controller.go  the goroutine; events.go: what it hears, and what each changes
//	inherit.go     what an earlier process left; end.go: leaving nothing behind
//	reload.go      from one configuration to the next; resize.go: tables of another size; attach.go: the program on the
//	               interfaces
//	known.go       all that is known; member.go: what it means for one real server; recall.go: what an earlier process knew
//	place.go       where packets come in and where each real server is; outlet.go: what is below an interface
//	roster.go      a configuration laid out for planning; capacity.go: whether the tables hold it
//	quorum.go      which virtual servers have their quorum, and what has changed for servers; publish.go: who is told of it
//	plan.go        known -> tables; layout.go: real servers and weights -> a schedule; share.go: what a real server gets of
//	               its weight; identity.go: who keeps which id
//	rehearsal.go   all of this without a network, for benchmarks
//	sweep.go       idle connections forgotten
//	instances.go   a candidate for each VRRP instance, and what it is told; fitness.go: what all that is watched means for it;
//	               lowering.go: when a MASTER offers its role to others; hearing.go: whether this host hears anything
//	candidate.go   the controller's end of an instance; vrrpprocess.go: of the process of VRRP; orders.go: what the two
//	               processes say to each other; outbox.go: how
//	agent.go       the process of VRRP, agentobey.go: what it does when it is told
//	elections.go   the thread of VRRP; ears.go: the sockets that it hears; thread.go: how it waits, and its priority;
//	               lateness.go: how well it keeps time
//	group.go       the instances of a sync group; router.go: one instance; routerfit.go: its start and its faults;
//	               routeract.go: what its machine asks for; routersettings.go: its configuration
//	errands.go     what VRRP must not wait for; wire.go: the sockets of an interface; ground.go: an instance's address and
//	               virtual MAC; holding.go: the VIPs of a MASTER, remains.go: those that could not be removed; routing.go: its
//	               routes and rules
//	statics.go     addresses, routes and rules that are always there
//	scripts.go     track and notify scripts as they are configured
//	announcer.go   where VIPs are, told to the LANs; pace.go: not too fast
//	segment.go     ARP and NDP on one interface; claims.go: others that answer for a VIP; findings.go:
//	               what is wrong on the LAN
//	checks.go      health checkers; checkspec.go: which checks are one; probes.go: what they ask; probeways.go: their ways
//	               through VIPs; insight.go: who fails there, asked at his own address, too; bothways.go: a check that goes
//	               both ways; proof.go: whether what fails through a VIP is the real server, passage.go: as checks share it;
//	               handshakes.go: what the packets tell of real servers
//	examine.go     what drover doctor looks at on this host; doctor.go and doctorhost.go: what it means
//	status.go      what `drover status` shows; statusinstance.go: of VRRP; statuscount.go: what the maps count
package ctrl
