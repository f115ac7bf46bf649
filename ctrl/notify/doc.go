// Package notify tells scripts and FIFOs what becomes of virtual routers, as keepalived's notify, notify_master,
// notify_backup, notify_fault, notify_stop, notify_deleted, notify_master_rx_lower_pri, notify_fifo and vrrp_notify_fifo,
// and of virtual and real servers, as notify_up, notify_down, quorum_up, quorum_down and lvs_notify_fifo.
//
// Whoever tells a [Notifier] never waits. The scripts of one instance, group or server run one at a time in the order of its
// events, so that the last one run is that of the last state; those of different ones run side by side.
//
// What an event means (event.go, commands.go, backlog.go) is pure: it opens nothing, reads no clock and starts no
// goroutine.
package notify
