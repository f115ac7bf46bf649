// Package health finds out whether real servers can serve.
//
// It has three parts that know nothing of each other's insides:
//
//   - a [Probe] asks one question of one real server and answers with an error or nil ([HTTPGet] makes such probes);
//   - a [Tracker] turns the answers into "up" and "down" and says when to ask again. It is pure: no clock, no socket,
//     no goroutine;
//   - a [Checker] runs the probes of one real server on the tracker's schedule and reports the transitions.
//
// The behavior is that of keepalived's checkers, so that a keepalived.conf means here what it meant there.
package health
