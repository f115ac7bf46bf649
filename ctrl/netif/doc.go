// Package netif holds every socket and netlink call of the daemon: VRRP I/O, interface addresses, ARP and NDP, the MACs
// of the real servers, and the state of links.
//
// Where to look:
//
//	vrrp.go         VRRPConn: adverts in and out of one interface, of all its virtual routers; vrrpsend.go: the way out;
//	                vrrppacket.go: what is heard, as pure code
//	vmac.go         virtual MACs; vmacsysctl.go: their settings, and those of the interface below; sysctl.go: a setting
//	address.go      VIPs added to and removed from an interface
//	routing.go      routes, rule.go rules of policy routing, that come and go with a master
//	arp.go          ARP: announcements, requests and everything heard; observation.go: one heard packet
//	ndp.go          NDP: the same for IPv6; ndpmessage.go: its packets
//	ethernet.go     the socket that both use
//	neighbor.go     what is known of real servers' MACs, as pure code
//	resolver.go     Resolver: neighbor.go with a clock and a socket; sender.go: in whose name it asks
//	link.go         links as they are
//	lower.go        on which device the XDP program for an interface must sit, as pure code; offload.go: VLAN offload
//	watch.go        links and addresses as they change; watchtable.go: what was reported of them
//	route.go        the interface that leads to an address
//	hostdialer.go   the sockets of health checks; tcpconn.go: a TCP connection at little cost
//	probespace.go   ProbeSpace: the network namespace that health checks through VIPs come from; spacethread.go: the thread
//	                in it; probeports.go: the ports that they send from; probelan.go: its ways out
//	probepath.go    ProbePath: sockets that reach one real server at a VIP; probesocket.go: where they come from;
//	                pingprobe.go: pings
//
// # Why the kernel's neighbor table plays no part
//
// A real server needs a MAC that is checked all the time, although no packet of this host's kernel goes to it. Before
// Linux 5.16 (NTF_MANAGED) the kernel has to be pushed for each check, drops what it knew when a check fails or the link
// goes down, takes 8 seconds and more to notice another MAC, and never tells that two hosts answer. Own requests through
// a packet socket have none of this, for ARP and NDP are two packet formats below one set of rules (neighbor.go). They
// leave the kernel's table, and whatever else uses it, alone.
//
// # Why a macvlan for a virtual MAC
//
// It is the one device that has the NIC receive another MAC, and that has the kernel answer ARP and neighbor solicitations
// with it, also while this daemon is away. The NIC's unicast filter alone does the first: ARP would tell the NIC's own MAC.
// A BACKUP's macvlan must be silent, for each frame from the virtual MAC moves it to another port of the switch;
// keepalived has nftables rewrite what the kernel says, here the kernel is set up such that it says nothing.
//
// # Why a macvlan for checks through VIPs, too
//
// A check through a VIP has to come from where the VIP is nobody's own, and its answer comes to this host's address and MAC.
// A macvlan in a namespace of its own sends by the interface below it whatever addresses its frames have, and receives what
// has its MAC; so the XDP program need only write that MAC, and the kernel does the rest as for any frame: VLAN tags,
// checksums and segmentation are the business of the interface below, whatever its driver. A veth would need the tags put
// on, the offloads off, a device in the host's own namespace that others may take for theirs, and a driver that can redirect
// to it. The price: the NIC's filter has one more MAC, the kernel copies broadcasts for the macvlan, which ignores them, and
// the interface cannot become a port of a bridge or a bond meanwhile.
//
// A socket belongs to the network namespace of the thread that opened it. The package never changes the namespace of its
// callers; the functions that open, add, remove, list or watch act in that of the calling thread.
//
// Everything here needs CAP_NET_RAW (sockets) or CAP_NET_ADMIN (addresses), a ProbeSpace CAP_SYS_ADMIN, and nothing newer
// than Linux 5.15.
package netif
