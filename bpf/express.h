/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The express lane: a usual packet in the middle of a connection that is where it belongs. Nothing changes but counters,
 * and nearly all packets are of this kind. With every other packet nothing is done here, and it goes the whole way from
 * the beginning.
 *
 * What this costs is what Drover costs, so here an instruction is looked at twice: the fewer a packet takes, the sooner a
 * CPU gets to the next one's flow while it still waits for the memory of this one's. No branch that it cannot foretell,
 * and no call.
 */
#pragma once

#include "deliver.h"
#include "entry.h"
#include "gate.h"
#include "usual.h"

/*
 * In jiffies: how often it is noted that a flow was seen, which is so much before the truth at most, and how often the packets
 * of a persistent client's connections keep it from being forgotten.
 */
#define SEEN_TICK	 16
#define PERSISTENCE_TICK 256

/* Whether a real server takes packets of connections in a state, which tells TCP and UDP apart. */
static __always_inline bool takes(union real_word real, __u8 state)
{
	if (real.port != interface_port)
		return false;
	return state == FLOW_ESTABLISHED ? real.state != REAL_ABSENT : state == FLOW_UDP && real.state == REAL_UP;
}

/* A function of its own, for it is seldom asked. */
__noinline int is_persistent(__u32 id)
{
	const struct service *service = get_service(id);

	return service && service->persistence;
}

/* Notes that a flow was seen; false when that of its persistent client must be, too. */
static __always_inline bool note_seen(struct flow *flow, __u32 seen)
{
	__u32 idle = seen ^ (__u32)bpf_jiffies64();

	if (idle < SEEN_TICK)
		return true;
	if (idle >= PERSISTENCE_TICK && is_persistent(flow->key.service))
		return false;
	/* A slot that changed hands since it was read gets a later time than it deserves; nothing hangs on that. */
	flow->seen = bpf_jiffies64();
	return true;
}

/* Lines that the lane looks in for a flow. One flow in thirty is not at home, and nearly all of those are in the next. */
#define EXPRESS_LINES 2

/* Finds the flow of a packet. Returns NULL when it is not near its home; else *entry is what it says. */
static __always_inline struct flow *find_near(const struct flow_set *set, __u64 hash, __u64 key, __u64 *entry)
{
#pragma unroll
	for (__u32 line = 0; line < EXPRESS_LINES; line++) {
		struct flow *flow = look_in_line(set, slot_at(hash, line * FLOWS_PER_LINE), key);

		*entry = entry_of(flow);
		if (word((void *)flow + zero_after(*entry)) == key)
			return flow;
	}
	return NULL;
}

/* As home_set; but here the compiler knows the family. A set of IPv6 begins like one of IPv4. */
static __always_inline const struct flow_set *express_set(__u64 hash, bool six)
{
	__u32 number = set_number(hash, six ? flow6_sets : flow_sets);

	return six ? bpf_map_lookup_elem(&flows6, &number) : bpf_map_lookup_elem(&flows, &number);
}

/*
 * Whether a datagram is another client's than the flow that has its key. A segment without flow is not asked: it is the
 * first of nothing, and one in billions of those that belong to no flow.
 */
static __always_inline bool is_stranger(const struct usual *pkt, const struct flow *flow, __u64 entry)
{
	return pkt->six && entry_state(entry) == FLOW_UDP && word_difference(client_of(flow), &pkt->six->saddr);
}

/* Sends a packet on to where its flow says. Returns false when there is more to be thought of. */
static __always_inline bool go_on(struct xdp_md *ctx, const struct usual *pkt, __u64 key)
{
	__u64 entry = 0, hash = flow_hash(key);
	const struct flow_set *set = express_set(hash, pkt->six);
	union real_word real;
	struct flow *flow;

	if (!set)
		return false;
	flow = find_near(set, hash, key, &entry);
	if (!flow || is_stranger(pkt, flow, entry))
		return false;
	real = get_real(entry_real(entry));
	if (!takes(real, entry_state(entry)) || is_from(pkt->frame, real) || !note_seen(flow, entry))
		return false;
	address(pkt->frame, real, own_mac());
	count_verdict(FORWARD_FLOW);
	count_traffic(entry_real(entry), ctx->data_end - ctx->data, false);
	return true;
}

/* Whether a service of IPv6 is at an address: the index has but its hash. */
static __always_inline bool is_at(__u32 id, const struct in6_addr *address)
{
	const struct service *service = get_service(id);

	return service && !word_difference(&service->address, address);
}

/* The values in use are few at any time, so that the compiler can keep them in registers across the lookups. */
static __always_inline bool express(struct xdp_md *ctx, struct usual *pkt)
{
	struct indexed service;
	__u64 key, terms;

	if (pkt->six) {
		pkt->service = fixed(pkt->service | fold_words(&pkt->six->daddr, 0));
		pkt->from = fixed(pkt->from | fold_words(&pkt->six->saddr, flow_seed));
	}
	service = look_up_service(pkt->service);
	if (service.id == NO_SERVICE || (pkt->six && !is_at(service.id, &pkt->six->daddr)))
		return false;
	terms = terms_of(service);
	if (local_in(terms))
		return false;
	key = fixed(pkt->from | flow_word(0, 0, service.id));
	return gate_position(gate_in(terms, service.id), bpf_jiffies64()) == GATE_OPEN && go_on(ctx, pkt, key);
}

static __always_inline bool express_ipv6(struct xdp_md *ctx, __u32 offset)
{
	struct cursor at = whole_frame(ctx);
	struct usual pkt = { .frame = at.pos };

	if (at.pos + sizeof(struct ethhdr) > at.end)
		return false;
	at.pos += offset & MOST_OFFSET;
	return read_usual_ipv6(at.pos, at.end, &pkt) && express(ctx, &pkt);
}

/* Returns true for a packet that has been sent back out. */
static __always_inline bool express_lane(struct xdp_md *ctx)
{
	struct cursor at = whole_frame(ctx);
	struct usual pkt = { .frame = at.pos };
	const struct ethhdr *eth = at.pos;
	__be16 protocol;

	if (at.pos + sizeof(*eth) + USUAL_BYTES > at.end || !for_interface(eth))
		return false;
	at.pos += sizeof(*eth);
	protocol = frame_type(eth);
	if (protocol != bpf_htons(ETH_P_IP)) {
		protocol = skip_tags(&at, protocol);
		if (protocol == bpf_htons(ETH_P_IPV6))
			return express_ipv6(ctx, offset_of(ctx, at) + nothing(word(eth), word(eth)));
		if (protocol != bpf_htons(ETH_P_IP) || at.pos + USUAL_BYTES > at.end)
			return false;
	}
	return read_usual_ipv4(at.pos, at.end - at.pos, &pkt) && express(ctx, &pkt);
}
