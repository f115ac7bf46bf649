// Package netif holds every socket and netlink call of the daemon: VRRP I/O, interface addresses, ARP, the MACs of the
// real servers, and the state of links.
//
// Where to look:
//
//	vrrp.go         VRRPConn: adverts in and out of one interface
//	address.go      VIPs added to and removed from an interface
//	arp.go          ARP: announcements, requests and everything heard
//	observation.go  one heard ARP packet, and who claims a VIP by it
//	neighbor.go     what is known of real servers' MACs, as pure code
//	resolver.go     Resolver: neighbor.go with a clock and a socket
//	link.go         links as they are
//	watch.go        links and addresses as they change; watchtable.go: what was reported of them
//	route.go        the interface that leads to an address
//
// A socket belongs to the network namespace of the thread that opened it. The package never changes namespace; the
// functions that open, add, remove, list or watch act in the namespace of the calling thread.
//
// Everything here needs CAP_NET_RAW (sockets) or CAP_NET_ADMIN (addresses), and nothing newer than Linux 5.15.
package netif
