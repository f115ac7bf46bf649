// Package vrrp speaks the Virtual Router Redundancy Protocol, version 2 (RFC
// 3768) and version 3 (RFC 9568), over IPv4 and IPv6, as pure code: the packet
// codec and the election state machine. It opens no socket, reads no clock and
// starts no goroutine; time is an argument.
//
// # Codec
//
// [Advert] is one advertisement, [Advert.Marshal] and [Parse] are its wire form
// (section 5 of either RFC, authentication as in RFC 2338 section 5.3.6). The
// checksum of version 3 covers both ends of the IP packet, so they are arguments.
// What the codec or the machine refuses has a [DropReason].
//
// # Election
//
// A [Machine] is one virtual router on one interface, a [Group] the machines of
// one sync group; a virtual router without one is a group of one. Its owner feeds
// it events and carries out the actions it answers, in their order:
//
//	g := vrrp.NewGroup(vrrp.NewMachine(settings, now))
//	do(g.Handle(now, 0, vrrp.Start{}))
//	for {
//		// Wait for the first of: a datagram, a fault or its end, a weight, a
//		// reload, g.Deadline(). Datagrams that already wait are handled before a Tick.
//		do(g.Handle(now, member, event))
//	}
//
// The election is that of RFC 9568 section 6.4, with keepalived's timers and
// keywords so that the two can share a virtual router. State names are
// keepalived's too: RFC 9568's Active Router is MASTER here.
//
// These things differ from keepalived on purpose:
//   - A MASTER that gives way adverts once more, so that the true master hears of
//     it and announces the addresses anew (keyword higher_prio_send_advert, on by
//     default). That advert has the interval of the true master, for third members
//     that learn from it.
//   - A MASTER that may have had a rival unnoticed, because it slept past its own
//     lease or because the rival said goodbye, announces its addresses anew.
//   - What rivals can make a MASTER send is bounded, and each is told as [Rival].
//   - Members that give way with their sync group say goodbye.
package vrrp
