// Package suspect tells from the handshakes of clients which real servers do not answer any more, long before a check
// does. It is pure: counts and times come in as arguments.
//
// A balancer by direct return sees only what clients send. But a client whose SYN was answered goes on with an ACK, so a
// real server whose clients all stop there is dead, or answers to nobody. What it must not be confused with:
//
//   - A SYN flood goes on nowhere. So a real server is compared with the others of its virtual server: if a share r of
//     their connections is completed, then n in a row by chance all fail with a probability of (1-r)^n. It is suspected when
//     that is below one in a million. In a flood r is small and n must be large; without one, few are enough: 6 in a row
//     while 20 of 20 are completed at the others, 3 while 200 of 200 are, 21 while 50 of 100 are. Three is the least.
//   - A connection that is just being opened: only those count that are older than three times what a handshake takes at
//     this virtual server, and 200 ms.
//   - A trickle: what does not come about within ten seconds is no evidence.
//
// No more than half of the real servers that take connections are suspected, and never the last one.
//
// A suspicion ends when a client completes a handshake; when a check passes that began later, unless handshakes fail on
// in the three seconds after it; when the real server takes no new connections anyhow; and after a minute. It is then not suspected
// again for two seconds, so that one which answers now and then does not have the schedules made anew all the time.
//
// A client of a persistent or hashed service that never completes a handshake always meets the same real server. If it
// opens far more connections than all others there together, that real server is suspected without reason, until one of
// the others goes on.
package suspect
