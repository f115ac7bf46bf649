// Package schedule turns real servers and their weights into arrays that the XDP program only indexes: which real
// server takes the next new connection, or the clients of a hash slot. It is pure: equal arguments give equal results,
// on every node and in every process.
//
//	scheduler    array                                   the program reads
//	rr wrr       [Turns]                                 the next entry, over and over
//	twos         [Turns]                                 two random entries: the less busy one
//	mh           [MaglevWithout], [MaglevSize]           the entry of the client's hash
//	sh           [SourceHash]                            the entry of the client's hash
//	dh           [Destination], one server for each VIP  that entry
//	fo ovf       [ByWeight]                              the first entry that can take one more
//
// Everything is an index into the servers that were given. A server of weight 0 takes no new connections and is in no
// result; without any other there is no result at all: nil, and -1 from [Destination].
//
// The hashed arrays do not depend on the order of the servers, so two nodes whose files list them differently still
// send a client to the same one. Under mh and dh a server that goes down takes no client of the others along; under sh,
// as in IPVS, the array is made anew without it, and most clients move. The program passes over a server that has gone
// down an instant ago, or has all the connections that it may have (sh-fallback, mh-fallback).
package schedule

import (
	"cmp"
	"slices"
)

// Server is a real server that may take new connections.
type Server struct {
	// Key names it for hashing, the same on every node: "192.0.2.7:80".
	Key string
	// Weight is its share relative to the other servers: weight, 0 to 65535. 0 takes none.
	Weight int
}

// ByWeight returns the servers in the order in which they are preferred: the highest weight first, equal ones as given
// (schedulers fo and ovf).
func ByWeight(servers []Server) []int {
	order := takers(servers)
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(servers[b].Weight, servers[a].Weight) })
	return order
}

// takers lists the servers that take new connections, as given.
func takers(servers []Server) []int {
	who := make([]int, 0, len(servers))
	for i, s := range servers {
		if s.Weight > 0 {
			who = append(who, i)
		}
	}
	return who
}

// takersByKey lists the servers that take new connections in an order that every node has.
func takersByKey(servers []Server) []int {
	who := takers(servers)
	slices.SortStableFunc(who, func(a, b int) int { return cmp.Compare(servers[a].Key, servers[b].Key) })
	return who
}
