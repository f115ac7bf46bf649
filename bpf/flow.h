/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The flow table: which real server a connection stays on.
 *
 * A flow lives in the one bucket that its key hashes to. Readers take no lock: they read the key, then the entry, then
 * the key again, and a writer clears the key before it changes the entry. Writers hold the bucket's lock, so two CPUs
 * that meet the same new connection agree on one real server: the second finds what the first wrote.
 *
 * A full bucket gives up the slot that is missed least: expired flows, then embryonic ones (a SYN flood displaces only
 * itself), then UDP and closing ones, the oldest first. An established connection is never displaced. When a bucket
 * holds nothing else the new connection goes untracked, by a hash, which keeps it in place as long as the schedule
 * stands; displacing the oldest, as a cache would, breaks a connection to store one that may never be.
 */
#pragma once

#include "parse.h"

struct flow {
	__u32 seen;
	__u16 real;
	__u8 state;
	__u8 slot;
	bool found;
};

static __always_inline __u64 flow_key(const struct packet *pkt, __u32 service)
{
	union {
		struct flow_key key;
		__u64 word;
	} as = { .key = { .client = pkt->client, .port = pkt->client_port, .service = service } };

	return as.word;
}

static __always_inline struct flow_bucket *flow_bucket(__u64 key)
{
	__u64 hash = (key ^ flow_seed) * 0x9e3779b97f4a7c15ULL;
	__u32 at;

	hash ^= hash >> 32;
	hash *= 0xd6e8feb86659fd93ULL;
	at = (hash >> 32) & flow_mask;
	return bpf_map_lookup_elem(&flows, &at);
}

/* Zero, but not before value is known: an address made with it is read after value was, on every CPU. */
static __always_inline __u64 zero_after(__u64 value)
{
	asm volatile("%0 &= 0" : "+r"(value));
	return value;
}

static __always_inline struct flow find_flow(const struct flow_bucket *bucket, __u64 key)
{
	struct flow flow = {};

#pragma unroll
	for (int i = 0; i < FLOWS_PER_BUCKET; i++) {
		__u64 first = word(&bucket->key[i]);

		if (first != key)
			continue;
		__u32 slot = (i + zero_after(first)) % FLOWS_PER_BUCKET;

		flow.slot = i;
		flow.real = *(const volatile __u16 *)&bucket->real[slot];
		flow.state = bucket->state[slot];
		flow.seen = bucket->seen[slot];
		slot = (i + zero_after(flow.real)) % FLOWS_PER_BUCKET;
		flow.found = word(&bucket->key[slot]) == key;
		return flow;
	}
	return flow;
}

/* Jiffies since a flow's last packet, plus JIFFIES_AHEAD: another CPU may have noted a jiffy that this one has not read
 * yet, and a difference below zero would be a very long time. */
static __always_inline __u32 flow_age(__u32 seen, __u32 now)
{
	return now + JIFFIES_AHEAD - seen;
}

static __always_inline bool flow_expired(__u8 state, __u32 seen, __u32 now)
{
	return flow_age(seen, now) > flow_timeout[state % FLOW_STATES] + JIFFIES_AHEAD;
}

/* How much slot i would be missed: the class in the high half, then youth. ~0 for what is never given up. */
static __always_inline __u64 flow_worth(const struct flow_bucket *bucket, int i, __u32 now)
{
	__u8 state = bucket->state[i];
	__u64 class;

	if (!word(&bucket->key[i]))
		return 0;
	if (flow_expired(state, bucket->seen[i], now))
		class = 1;
	else if (state == FLOW_ESTABLISHED)
		return ~0ULL;
	else
		class = 2 + state;
	return class << 32 | (__u32)~flow_age(bucket->seen[i], now);
}

static __always_inline void write_key(struct flow_bucket *bucket, int i, __u64 key)
{
	/* An exchange, for its full barrier: the entry must not be seen to change outside the cleared key. */
	__sync_lock_test_and_set((__u64 *)&bucket->key[i], key);
}

static __always_inline void write_flow(struct flow_bucket *bucket, int i, __u64 key, struct flow flow)
{
	write_key(bucket, i, 0);
	bucket->real[i] = flow.real;
	bucket->state[i] = flow.state;
	bucket->seen[i] = flow.seen;
	write_key(bucket, i, key);
}

/* What a connection is bound to. */
struct binding {
	__u32 real; /* NO_REAL when the bucket has no slot to give */
	bool ours;  /* not another CPU's, which was first */
};

/* Binds the connection to want.real, unless it is bound already by another CPU. old is what find_flow saw. */
static __always_inline struct binding bind_flow(struct flow_bucket *bucket, __u64 key, struct flow old, struct flow want)
{
	struct binding bound = { .real = NO_REAL };
	__u64 least = ~0ULL;
	int slot = -1;

	bpf_spin_lock(&bucket->lock);
#pragma unroll
	for (int i = 0; i < FLOWS_PER_BUCKET; i++) {
		__u64 worth;

		if (word(&bucket->key[i]) == key) {
			least = 0;
			slot = i;
			if (!old.found || bucket->real[i] != old.real || bucket->state[i] != old.state ||
			    bucket->seen[i] != old.seen)
				bound.real = bucket->real[i];
			break;
		}
		worth = flow_worth(bucket, i, want.seen);
		if (worth < least) {
			least = worth;
			slot = i;
		}
	}
	if (bound.real == NO_REAL && slot >= 0) {
		write_flow(bucket, slot % FLOWS_PER_BUCKET, key, want);
		bound = (struct binding){ .real = want.real, .ours = true };
	}
	bpf_spin_unlock(&bucket->lock);
	return bound;
}

static __always_inline __u8 next_state(__u8 state, const struct packet *pkt)
{
	if (state == FLOW_UDP)
		return FLOW_UDP;
	if (pkt->closes)
		return FLOW_CLOSING;
	if (state == FLOW_EMBRYONIC && !pkt->syn)
		return FLOW_ESTABLISHED;
	return state;
}

/* Notes that the connection lives, and where it stands. */
static __always_inline void follow_flow(struct flow_bucket *bucket, __u64 key, struct flow flow,
					const struct packet *pkt, __u32 now)
{
	__u32 slot = flow.slot % FLOWS_PER_BUCKET;
	__u8 state = next_state(flow.state, pkt);

	/* A slot that changed hands since it was read gets a later time than it deserves; nothing hangs on that. */
	if (flow.seen != now)
		bucket->seen[slot] = now;
	if (state == flow.state)
		return;
	bpf_spin_lock(&bucket->lock);
	if (word(&bucket->key[slot]) == key)
		bucket->state[slot] = state;
	bpf_spin_unlock(&bucket->lock);
}
