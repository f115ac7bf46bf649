/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Writing to the flow table.
 *
 * Writers hold the lock of the set, so two CPUs that meet the same new connection agree on one real server: the second
 * finds what the first wrote.
 */
#pragma once

#include "victim.h"

/* Whether an entry is still what a reader saw of it. */
static __always_inline bool unchanged(__u64 entry, __u64 sight)
{
	union sight bare = { .word = sight };

	if (sight == UNSEEN)
		return false;
	bare.slot = 0;
	return entry == bare.word;
}

/* Returns the key that was there. */
static __always_inline __u64 write_key(struct flow *flow, __u64 key)
{
	/* An exchange, for its full barrier: the entry must not be seen to change outside the cleared key. */
	return __sync_lock_test_and_set((__u64 *)&flow->key, key);
}

static __always_inline void write_entry(struct flow *flow, __u64 entry)
{
	*(volatile __u64 *)((void *)flow + offsetof(struct flow, seen)) = entry;
}

static __always_inline void write_flow(struct set set, struct flow *flow, const struct flow_id *id, bool shared,
				       __u64 entry)
{
	if (word(&flow->key))
		write_key(flow, 0);
	write_entry(flow, entry);
	if (set.ipv6)
		*client_of(flow) = id->client;
	write_key(flow, shared ? id->key | SHARED_KEY : id->key);
}

static __always_inline struct flow_lock *set_lock(__u64 hash, __u32 family)
{
	__u32 number = set_number(hash, family == IPV6 ? flow6_sets : flow_sets) % FLOW_LOCKS;

	return bpf_map_lookup_elem(&flow_locks, &number);
}

/* What a connection is bound to. */
union binding {
	__u64 word;
	struct {
		__u32 real; /* NO_REAL when there is no place */
		__u32 ours; /* 0 when it is another CPU's, which was first */
	};
};

/* How a flow is bound. */
enum binds {
	MOVES = 1,  /* from another table; it is counted already */
	SHARED = 2, /* another client is known to have its key */
};

#define NO_SLOT FLOWS_PER_SET

static __always_inline __u32 noted(const __u32 *slot)
{
	return *(const volatile __u32 *)slot;
}

/*
 * Notes which slot of a line holds a flow already, and which is vacant, and marks the key if another client has it, too.
 * Returns whether the last slot was never used.
 */
static __always_inline bool survey_line(struct flow_lock *lock, struct set set, __u64 hash, const struct flow_id *id,
					__u32 line)
{
	struct flow *flow = NULL;

#pragma unroll
	for (__u32 i = 0; i < FLOWS_PER_LINE; i++) {
		__u32 slot = slot_at(hash, line * FLOWS_PER_LINE + i);

		flow = flow_in(set, slot);
		if (!key_difference(flow, id)) {
			if (!client_difference(set, flow, id)) {
				lock->held = slot;
				continue;
			}
			write_key(flow, id->key | SHARED_KEY);
			lock->shared = true;
		}
		if (noted(&lock->vacant) == NO_SLOT && is_vacant(flow))
			lock->vacant = slot;
	}
	return never_used(flow);
}

/* The same for a set, as far as it was ever used. No loop: Linux 6.1 refuses it in the shape that compilers give it. */
static __always_inline void survey(struct flow_lock *lock, struct set set, __u64 hash, const struct flow_id *id)
{
	lock->held = lock->vacant = NO_SLOT;
	lock->shared = false;
	if (survey_line(lock, set, hash, id, 0) || survey_line(lock, set, hash, id, 1) ||
	    survey_line(lock, set, hash, id, 2))
		return;
	survey_line(lock, set, hash, id, 3);
}

_Static_assert(HOME_LINES == 4, "survey goes over four lines");

/*
 * Writes a flow where it is, or where there is room, or over a victim that find_victim saw, if that is still as it was.
 * entry is the flow's, made by entry_word; old is what find_flow saw of it. how is of enum binds. Returns a union binding.
 */
__noinline __u64 try_bind(const struct flow_id *id, __u64 entry, __u64 old, __u64 victim, __u32 how)
{
	union binding bound = { .real = NO_REAL };
	union sight seen = { .word = victim };
	struct flow_lock *lock;
	bool held, vacant;
	__u64 hash, gone;
	struct flow *flow;
	struct set set;
	__u32 slot;

	if (!id || !id->key)
		return bound.word;
	hash = flow_hash(id->key);
	lock = set_lock(hash, id->family);
	set = home_set(hash, id->family);
	if (!set.flows || !lock)
		return bound.word;

	bpf_spin_lock(&lock->lock);
	survey(lock, set, hash, id);
	held = noted(&lock->held) != NO_SLOT;
	vacant = !held && noted(&lock->vacant) != NO_SLOT;
	slot = held ? noted(&lock->held) : vacant ? noted(&lock->vacant) : seen.slot;
	flow = flow_in(set, slot % FLOWS_PER_SET);
	gone = entry_of(flow);
	if (vacant || unchanged(gone, held ? old : victim)) {
		write_flow(set, flow, id, how & SHARED || noted(&lock->shared), entry);
		bound = (union binding){ .real = entry_real(entry), .ours = 1 };
	} else if (held) {
		bound.real = entry_real(gone);
	}
	bpf_spin_unlock(&lock->lock);

	if (!bound.ours)
		return bound.word;
	if (entry_state(gone) != FLOW_EXPIRED)
		count_flow(entry_real(gone), entry_state(gone), FLOW_EXPIRED);
	if (how & MOVES)
		return bound.word;
	count_change(bound.real, FLOW_EXPIRED, entry_state(entry));
	if (entry_state(entry) == FLOW_EMBRYONIC)
		count_opened(bound.real);
	return bound.word;
}

/* Binds a connection at the cost of another one. See try_bind. */
__noinline __u64 bind_over(const struct flow_id *id, __u64 entry, __u64 old, __u32 how)
{
	union binding bound = { .real = NO_REAL };
	union sight victim = { .word = find_victim(id, entry) };

	if (victim.word == UNSEEN)
		return bound.word;
	bound.word = try_bind(id, entry, old, victim.word, how);
	if (bound.ours)
		count_displaced(victim, entry);
	return bound.word;
}

/* Binds a connection to a real server, at the cost of another one if need be. See try_bind. */
static __always_inline __u64 bind_flow(const struct flow_id *id, __u64 entry, __u64 old, __u32 how)
{
	union binding bound = { .word = try_bind(id, entry, old, UNSEEN, how) };

	return bound.real != NO_REAL ? bound.word : bind_over(id, entry, old, how);
}

/* Changes the state of a flow that find_flow saw, and notes when it was seen, if it is still there. */
__noinline int change_flow(const struct flow_id *id, __u64 saw, __u8 state, __u32 now)
{
	union sight sight = { .word = saw };
	struct flow_lock *lock;
	struct flow *flow;
	__u64 hash, was = 0;
	struct set set;

	if (!id)
		return 0;
	hash = flow_hash(id->key);
	lock = set_lock(hash, id->family);
	set = home_set(hash, id->family);
	if (!set.flows || !lock)
		return 0;
	flow = flow_in(set, sight.slot);

	bpf_spin_lock(&lock->lock);
	if (is_of(set, flow, id)) {
		was = entry_of(flow);
		write_entry(flow, entry_word(entry_real(was), state, now));
	}
	bpf_spin_unlock(&lock->lock);
	count_flow(entry_real(was), entry_state(was), was ? state : FLOW_EXPIRED);
	return 0;
}
