/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What the program did with a packet, and why. Every exit counts exactly one of these, so the sum over all of them is
 * the number of packets that the interface received.
 */
#pragma once

enum verdict {
	UNDECIDED,	   /* goes on to the next step; never counted */
	/* To the kernel, untouched. */
	PASS_NOT_IPV4,	   /* neither IPv4 nor an ARP request that concerns a VIP */
	PASS_OTHER_HOST,   /* addressed to another MAC, or to a group */
	PASS_MALFORMED,	   /* a header is cut short or states an impossible length */
	PASS_PROTOCOL,	   /* IPv4, but neither TCP nor UDP */
	PASS_FRAGMENT,	   /* a fragment: the ports of its siblings are unknown */
	PASS_NO_SERVICE,   /* no virtual server of this address, port and protocol */
	PASS_CLOSED,	   /* this node is not MASTER, and the grace is over */
	PASS_NO_REAL,	   /* no real server takes it; the kernel answers with a reset */
	PASS_ARP,	   /* ARP that this node answers, or that is not about a VIP */
	/* Gone. */
	DROP_ARP_SILENT,   /* ARP request for a VIP that this node must not answer */
	/* Rewritten and sent back out. */
	FORWARD_FLOW,	   /* a connection in the flow table */
	FORWARD_NEW,	   /* a new connection, scheduled now */
	FORWARD_RESCHEDULED, /* a SYN or datagram whose real server went down, scheduled again */
	FORWARD_UNTRACKED, /* not in the table: chosen by a hash that every node shares */
	FORWARD_GRACE,	   /* any of the four above, while a gate that is no longer open runs out its grace */
	VERDICTS,
};
