// Package track watches what else a virtual router's right to be MASTER hangs on: scripts, files and processes, as
// keepalived's vrrp_script, track_file and vrrp_track_process.
//
// A [Tracker] runs one watcher for each of them, by name, and reports a [Result] when one changes. [Sum] turns the
// results of all that an instance tracks into what its election needs: a change of priority, and whether it is in FAULT.
//
// The rules are pure (sum.go, threshold.go, quorum.go, match.go, number.go): they open nothing, read no clock and start
// no goroutine.
package track
