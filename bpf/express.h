/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The express lane: a usual packet in the middle of a connection that is where it belongs. Nothing changes but counters,
 * and nearly all packets are of this kind. Every other packet gets NO_EXPRESS here, with nothing done to it, and goes the
 * whole way from the beginning.
 *
 * What this costs is what Drover costs, so here an instruction is looked at twice: a CPU waits for the memory of this
 * packet's flow and of the next one's at once only if it gets that far ahead. No call, no branch that it cannot foretell.
 */
#pragma once

#include "deliver.h"
#include "entry.h"
#include "gate.h"
#include "usual.h"

#define NO_EXPRESS -1

/* Seen at least so often, in jiffies, the packets of a persistent client's connections keep it from being forgotten. */
#define PERSISTENCE_TICK 256

/* Whether a real server takes packets of connections in a state, which tells TCP and UDP apart. */
static __always_inline bool takes(union real_word real, __u8 state)
{
	if (real.port != interface_port)
		return false;
	return state == FLOW_ESTABLISHED ? real.state != REAL_ABSENT : state == FLOW_UDP && real.state == REAL_UP;
}

/* Notes that a flow was seen; false when that of its persistent client must be, too. */
static __always_inline bool note_seen(struct flow *flow, __u32 seen, __u32 now, const struct service *service)
{
	if (seen == now)
		return true;
	if ((seen ^ now) >= PERSISTENCE_TICK && service->persistence)
		return false;
	/* A slot that changed hands since it was read gets a later time than it deserves; nothing hangs on that. */
	flow->seen = now;
	return true;
}

/* Lines that the lane looks in for a flow. One flow in thirty is not at home, and nearly all of those are in the next. */
#define EXPRESS_LINES 2

/* Finds the flow of a packet. Returns NULL when it is not near its home; else *entry is what it says. */
static __always_inline struct flow *find_near(struct set set, __u64 hash, __u64 key, const struct ipv6hdr *six,
					      __u64 *entry)
{
#pragma unroll
	for (__u32 line = 0; line < EXPRESS_LINES; line++) {
		struct flow *flow = look_in_line(set, slot_at(hash, line * FLOWS_PER_LINE), key);

		*entry = entry_of(flow);
		if (word((void *)flow + zero_after(*entry)) == key &&
		    (!six || !word_difference(&((struct flow6 *)flow)->client, &six->saddr)))
			return flow;
	}
	return NULL;
}

/* As home_set; but here the compiler knows the family. */
static __always_inline struct set express_set(__u64 hash, bool six)
{
	__u32 number = set_number(hash, six ? flow6_sets : flow_sets);

	if (six)
		return (struct set){ .flows = bpf_map_lookup_elem(&flows6, &number), .shift = FLOW6_SHIFT };
	return (struct set){ .flows = bpf_map_lookup_elem(&flows, &number), .shift = FLOW_SHIFT };
}

/* Sends a packet on to where its flow says. */
static __always_inline int go_on(const struct usual *pkt, const struct service *service, __u64 key, __u64 now)
{
	__u64 entry = 0, hash = flow_hash(key);
	struct set set = express_set(hash, pkt->six);
	union real_word real;
	struct flow *flow;

	if (!set.flows)
		return NO_EXPRESS;
	flow = find_near(set, hash, key, pkt->six, &entry);
	if (!flow)
		return NO_EXPRESS;
	real = get_real_word(entry_real(entry));
	if (!takes(real, entry_state(entry)) || is_from(pkt->frame, real) || !note_seen(flow, entry, now, service))
		return NO_EXPRESS;
	send_back(pkt->frame, real);
	count_verdict(FORWARD_FLOW);
	count_traffic(entry_real(entry), pkt->bytes, false);
	return XDP_TX;
}

static __always_inline int express(struct usual *pkt)
{
	struct service *service;
	__u32 id;

	if (pkt->six) {
		pkt->service |= fold_words(&pkt->six->daddr, 0);
		pkt->client = fold_words(&pkt->six->saddr, flow_seed);
	}
	id = indexed_service(pkt->service);
	service = bpf_map_lookup_elem(&services, &id);
	if (!service || service->flags & HAS_LOCAL || gate_position(service->gate, bpf_jiffies64()) != GATE_OPEN ||
	    (pkt->six && word_difference(&service->address, &pkt->six->daddr)))
		return NO_EXPRESS;
	return go_on(pkt, service, flow_word(pkt->client, pkt->port, id), bpf_jiffies64());
}

__noinline int express_ipv6(struct xdp_md *ctx, __u32 offset)
{
	struct cursor at = whole_frame(ctx);
	struct usual pkt = { .frame = at.pos, .bytes = at.end - at.pos };

	if (at.pos + sizeof(struct ethhdr) > at.end)
		return NO_EXPRESS;
	at.pos += offset & MOST_OFFSET;
	return read_usual_ipv6(at.pos, at.end, &pkt) ? express(&pkt) : NO_EXPRESS;
}

/* Returns the action, or NO_EXPRESS. */
static __always_inline int express_lane(struct xdp_md *ctx)
{
	struct cursor at = whole_frame(ctx);
	struct usual pkt = { .frame = at.pos, .bytes = at.end - at.pos };
	const struct ethhdr *eth = at.pos;
	__be16 protocol;

	if (at.pos + sizeof(*eth) + USUAL_BYTES > at.end || !for_interface(eth))
		return NO_EXPRESS;
	at.pos += sizeof(*eth);
	protocol = frame_type(eth);
	if (protocol != bpf_htons(ETH_P_IP)) {
		protocol = skip_tags(&at, protocol);
		if (protocol == bpf_htons(ETH_P_IPV6))
			return express_ipv6(ctx, offset_of(ctx, at));
		if (protocol != bpf_htons(ETH_P_IP) || at.pos + USUAL_BYTES > at.end)
			return NO_EXPRESS;
	}
	return read_usual_ipv4(at.pos, at.end - at.pos, &pkt) ? express(&pkt) : NO_EXPRESS;
}
