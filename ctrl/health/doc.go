// Package health finds out whether real servers can serve.
//
// It has three parts that know nothing of each other's insides:
//
//   - a [Probe] asks one question of one real server and answers with an error or nil, and a weight where the question is
//     about that. [HTTPGet], [TCPConnect], [UDP], [DNS], [SMTP], [Ping], [Misc] and [File] make them;
//   - a [Tracker] turns the answers into "up" and "down" and says when to ask again. It is pure: no clock, no socket,
//     no goroutine. What the kinds of checkers differ in is in [Kind];
//   - a [Checker] runs the probes of one real server on the tracker's schedule and reports the transitions.
//
// Every socket is opened through a [Network]: the host's own routes, or the way through the virtual IP. A check that this
// host could not make is [ErrNotAsked] and changes nothing.
//
// The settings of probes hold no functions, so that [reflect.DeepEqual] tells whether two checks ask the same.
//
// The behavior is that of keepalived's checkers, so that a keepalived.conf means here what it meant there.
package health
