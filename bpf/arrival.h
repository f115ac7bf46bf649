/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* What is to be known of a packet that has arrived for a service. */
#pragma once

#include "move.h"

/* A packet that has arrived for a service. */
struct arrival {
	struct flow_id flow;
	__u64 now; /* jiffies */
	__u32 service;
	__u32 signs; /* enum sign */
};

static __always_inline struct arrival arrival_of(const struct packet *pkt, __u32 service)
{
	__be32 client = pkt->from.in6_u.u6_addr32[0];
	struct arrival arrival = {
		.flow = { .family = pkt->to.family },
		.now = bpf_jiffies64(), .service = service, .signs = pkt->signs,
	};

	if (arrival.flow.family == IPV6) {
		arrival.flow.client = pkt->from;
		client = fold_address(&pkt->from, flow_seed);
	}
	arrival.flow.key = flow_word(client, pkt->client_port, service);
	return arrival;
}

/* A real server, and how it was come by. */
union choice {
	__u64 word;
	struct {
		__u32 real;    /* NO_REAL when nobody takes the packet */
		__u32 verdict; /* enum verdict */
	};
};

static __always_inline __u64 choose(__u32 real, enum verdict verdict)
{
	union choice choice = { .real = real, .verdict = real == NO_REAL ? PASS_NO_REAL : verdict };

	return choice.word;
}

static __always_inline bool opens_tcp(const struct arrival *arrival)
{
	return (arrival->signs & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

/* Whether a packet may be the first of its connection. */
static __always_inline bool opens(const struct arrival *arrival)
{
	return arrival->signs & DATAGRAM || opens_tcp(arrival);
}

/*
 * The hash of a client, with its port or without: the same on every node, so that a takeover without a table of flows
 * moves as few connections as it can.
 */
static __always_inline __u64 client_hash(const struct arrival *arrival, bool with_port)
{
	union {
		__u64 word;
		struct flow_key key;
	} as = { .word = arrival->flow.key };
	__u64 from = arrival->flow.family == IPV6 ? fold_address(&arrival->flow.client, 0) : as.key.client;

	return mix(from << 16 | (with_port ? as.key.port : 0));
}
