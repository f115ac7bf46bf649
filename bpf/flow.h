/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The flow table: which real server a connection stays on.
 *
 * A flow lives in the one set that its key hashes to: sixteen slots in four neighboring cache lines. One of the lines is
 * its home, where it is put if there is room and looked for first, so a packet nearly always touches one line.
 *
 * IPv6 has a table of its own. There a key has but a hash of the client's address, and the whole address stands behind the
 * sixteen slots. It is compared whenever a flow is bound, and those that have one key are marked as sharing it. A key
 * without this mark can be trusted alone, and the express lane does so.
 *
 * Readers take no lock: they read the key, then the entry, then the key again, and a writer clears the key before it
 * changes the entry. How flows are written is in bind.h.
 */
#pragma once

#include "real.h"

#define HOME_LINES (FLOWS_PER_SET / FLOWS_PER_LINE)

/* Who a flow belongs to. */
struct flow_id {
	__u64 key;		/* struct flow_key */
	struct in6_addr client; /* IPv6 only */
	__u32 family;
	__u32 pad;
};

/* What a reader saw of a flow. */
union sight {
	__u64 word;
	struct {
		__u32 seen;
		__u32 real : 24;
		__u32 state : 4;
		__u32 slot : 4;
	};
};

#define UNSEEN (~0ULL)

static __always_inline __u64 flow_word(__be32 client, __be16 port, __u32 service)
{
	union {
		struct flow_key key;
		__u64 word;
	} as = { .key = { .client = client, .port = port, .service = service } };

	return as.word;
}

static __always_inline __u64 flow_hash(__u64 key)
{
	return mix(key ^ flow_seed);
}

static __always_inline __u32 set_number(__u64 hash, __u32 sets)
{
	return (hash >> 32) * sets >> 32;
}

/* The slot at a distance from the home of a flow: first those of its line, then of the next. */
static __always_inline __u32 slot_at(__u64 hash, __u32 distance)
{
	return (hash % HOME_LINES * FLOWS_PER_LINE + distance) % FLOWS_PER_SET;
}

/* In a key: another client of IPv6 has the same. Only these flows are to be told apart by their whole address. */
#define SHARED_KEY (1ULL << 63)

_Static_assert(SERVICES <= 1 << 15, "the topmost bit of a flow key is free");

/*
 * A set of one table or the other. The verifier, which follows the one value along with the pointer, knows how far it may
 * go.
 */
struct set {
	void *flows; /* struct flow_set or flow6_set; NULL without table */
	__u64 ipv6;  /* which of them */
};

static __always_inline struct set set_of(void *flows, __u64 ipv6)
{
	asm volatile("" : "+r"(ipv6)); /* else the compiler works it out anew later on, and the verifier is lost */
	return (struct set){ .flows = flows, .ipv6 = ipv6 };
}

static __always_inline struct set get_set(__u32 number, __u32 family)
{
	if (family == IPV6)
		return set_of(bpf_map_lookup_elem(&flows6, &number), true);
	return set_of(bpf_map_lookup_elem(&flows, &number), false);
}

/* The set that a flow lives in. */
static __always_inline struct set home_set(__u64 hash, __u32 family)
{
	return get_set(set_number(hash, family == IPV6 ? flow6_sets : flow_sets), family);
}

static __always_inline struct flow *flow_in(struct set set, __u32 slot)
{
	return set.flows + (__u64)slot * sizeof(struct flow);
}

/* The client of a flow of IPv6. */
static __always_inline struct in6_addr *client_of(const struct flow *flow)
{
	return (void *)flow + offsetof(struct flow6_set, client);
}

_Static_assert(sizeof(struct flow) == sizeof(struct in6_addr), "all clients are as far from their flows");

/* Zero, but not before value is known: an address made with it is read after value was, on every CPU. */
static __always_inline __u64 zero_after(__u64 value)
{
	asm volatile("%0 &= 0" : "+r"(value));
	return value;
}

/*
 * 1 if a slot has the key and shares it with nobody, else 0; without a branch. The topmost bit of the key is zero, so that
 * of a difference less one is set only if there is no difference.
 */
static __always_inline __u64 has_key(const void *slot, __u64 key)
{
	__u64 has = ((word(slot) ^ key) - 1) >> 63;

	asm("" : "+r"(has)); /* else the compiler sees what is meant, and may branch */
	return has;
}

/* Zero if a flow has the key. */
static __always_inline __u64 key_difference(const struct flow *flow, const struct flow_id *id)
{
	return (word(&flow->key) & ~SHARED_KEY) ^ id->key;
}

/* Zero if a flow that has the key is this client's. */
static __always_inline __u64 client_difference(struct set set, const struct flow *flow, const struct flow_id *id)
{
	return set.ipv6 ? address_difference(client_of(flow), &id->client) : 0;
}

static __always_inline bool is_of(struct set set, const struct flow *flow, const struct flow_id *id)
{
	return !(key_difference(flow, id) | client_difference(set, flow, id));
}

/*
 * The slot of a line that has a flow, or the first if none has. There is no branch in it: which slot it is is nothing
 * that a CPU can predict, and a wrong guess would keep the next packet waiting for this one's line.
 */
static __always_inline struct flow *look_in_line(const struct flow_set *set, __u32 first, __u64 key)
{
	const struct flow *line = (const void *)set + first * sizeof(struct flow);
	__u64 slot = has_key(line + 1, key) + has_key(line + 2, key) * 2 + has_key(line + 3, key) * 3;

	return (void *)line + slot % FLOWS_PER_LINE * sizeof(struct flow);
}

/*
 * Whether a slot has never held a flow. Slots are taken in the order of their distance from home, and a slot that was
 * taken once stays so, if only by a flow that has expired: no flow is farther away than a slot that was never used.
 */
static __always_inline bool never_used(const struct flow *flow)
{
	return !(word(&flow->key) | word((const void *)flow + offsetof(struct flow, seen)));
}

/* Finds a flow anywhere in a set. */
static __always_inline __u64 find_in(struct set set, __u64 hash, const struct flow_id *id)
{
	for (__u32 distance = 0; distance < FLOWS_PER_SET; distance++) {
		__u32 slot = slot_at(hash, distance);
		const struct flow *flow = flow_in(set, slot);
		union sight sight;

		if (never_used(flow))
			return UNSEEN;
		if (!is_of(set, flow, id))
			continue;
		sight.word = word((void *)flow + zero_after(id->key) + offsetof(struct flow, seen));
		if (!is_of(set, (void *)flow + zero_after(sight.word), id))
			return UNSEEN; /* it is being written at this very moment */
		sight.slot = slot;
		return sight.word;
	}
	return UNSEEN;
}

/* Finds a flow in the table. Returns a union sight, or UNSEEN. */
__noinline __u64 find_flow(const struct flow_id *id)
{
	struct set set;
	__u64 hash;

	if (!id)
		return UNSEEN;
	hash = flow_hash(id->key);
	set = home_set(hash, id->family);
	return set.flows ? find_in(set, hash, id) : UNSEEN;
}
