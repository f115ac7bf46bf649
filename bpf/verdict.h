/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What the program did with a packet, and why. Every exit counts exactly one of these, so the sum over all of them is
 * the number of packets that the interface received.
 */
#pragma once

enum verdict {
	UNDECIDED,	   /* goes on to the next step; never counted */
	/* To the kernel, untouched but for PASS_PROBE. */
	PASS_NOT_IP,	   /* neither IPv4 nor IPv6, nor an ARP request that concerns a VIP */
	PASS_OTHER_HOST,   /* addressed to another MAC, or to a group */
	PASS_MALFORMED,	   /* a header is cut short or states an impossible length */
	PASS_PROTOCOL,	   /* IP, but neither TCP nor UDP nor an error about them */
	PASS_FRAGMENT,	   /* a later fragment whose first one passed, or has not been seen */
	PASS_NO_SERVICE,   /* no virtual server of this address, port and protocol */
	PASS_CLOSED,	   /* this node is not MASTER, and the grace is over */
	PASS_NO_REAL,	   /* no real server takes it; the kernel answers with a reset */
	PASS_NEIGHBOR,	   /* ARP or neighbor discovery that this node answers, or that is not about a VIP */
	PASS_LOCAL,	   /* this host is the real server that takes it */
	PASS_PEER,	   /* a peer balancer chose this host as the real server */
	PASS_PROBE,	   /* answers a health check through a VIP; addressed to the macvlan that the check came from */
	/* Gone. */
	DROP_SILENT,	   /* ARP or neighbor solicitation for a VIP that this node must not answer */
	DROP_TOO_BIG,	   /* larger than the MTU of the interface that it would leave by */
	DROP_REFUSED,	   /* for a VIP that accepts nothing but what is for its services (no_accept) */
	DROP_LOOP,	   /* it came from the very real server that it would be sent to */
	/* Rewritten and sent out. */
	FORWARD_FLOW,	   /* a connection in the flow table */
	FORWARD_NEW,	   /* a new connection, scheduled now */
	FORWARD_RESCHEDULED, /* a SYN or datagram whose real server is down or silent, scheduled again */
	FORWARD_RESUMED,   /* a connection that was in no table and has proved that it lives: it is in the table now */
	FORWARD_UNTRACKED, /* not in the table: chosen by a hash that every node shares */
	FORWARD_FRAGMENT,  /* a later fragment, after its first one */
	FORWARD_ERROR,	   /* an ICMP error, to the real server of the connection that it is about */
	FORWARD_GRACE,	   /* any of these, while a gate that is no longer open runs out its grace */
	VERDICTS,
};
