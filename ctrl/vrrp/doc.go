// Package vrrp speaks the Virtual Router Redundancy Protocol, version 2, as
// pure code: the packet codec and the election state machine. It opens no
// socket, reads no clock and starts no goroutine; time is an argument.
//
// # Codec
//
// [Advert] is one advertisement, [Advert.Marshal] and [Parse] are its wire form
// (RFC 3768 section 5, authentication as in RFC 2338 section 5.3.6). What the
// codec or the machine refuses has a [DropReason].
//
// # Election
//
// A [Machine] is one virtual router on one interface. Its owner feeds it events
// and carries out the actions it answers, in their order:
//
//	m := vrrp.NewMachine(settings, now)
//	do(m.Handle(now, vrrp.Start{}))
//	for {
//		// Wait for the first of: a datagram, a link change, a reload, m.Deadline().
//		// Datagrams that already wait are handled before a Tick.
//		do(m.Handle(now, event))
//	}
//
// The election is that of RFC 3768 section 6.4, with keepalived's timers and
// keywords so that the two can share a virtual router. State names are
// keepalived's too: RFC 9568's Active Router is MASTER here.
//
// Two things differ from keepalived on purpose. A MASTER that gives way
// adverts once more, so that the true master hears of it and announces the
// addresses anew (keyword higher_prio_send_advert, on by default). And a
// MASTER that may have had a rival unnoticed, because it slept past its own
// lease or because the rival said goodbye, announces its addresses anew.
package vrrp
