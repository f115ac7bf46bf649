/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Real servers: where they are, what they have to do, and whether they answer. */
#pragma once

#include "service.h"

#define NO_REAL 0 /* id 0 is never given */

/* A real server as it is read: the fields of struct real, each as a number. */
union real_word {
	__u64 word;
	struct {
		__u64 mac : 48, state : 8, port : 8;
	};
};

static __always_inline union real_word get_real(__u32 id)
{
	const struct real *real = bpf_map_lookup_elem(&reals, &id);

	return (union real_word){ .word = real ? word(real) : 0 };
}

/* As what a flow counts. IPVS calls opening connections active, too. */
enum counted_as {
	NOTHING,
	ACTIVE,
	INACTIVE,
};

static __always_inline enum counted_as counted_as(__u8 state)
{
	switch (state) {
	case FLOW_EMBRYONIC:
	case FLOW_RESUMED:
	case FLOW_ESTABLISHED:
		return ACTIVE;
	case FLOW_UDP:
	case FLOW_RESET:
	case FLOW_CLOSING:
		return INACTIVE;
	default:
		return NOTHING;
	}
}

/* Keeps the thresholds as IPVS does: without a lower one, three quarters of the upper. */
static __always_inline void note_overload(struct real_load *load, const struct real_terms *terms)
{
	__u64 connections = (__u64)load->active + load->inactive;

	if (terms->upper && connections >= terms->upper)
		load->overloaded = terms->upper;
	else if (terms->lower ? connections < terms->lower : connections * 4 < (__u64)terms->upper * 3)
		load->overloaded = 0;
	else if (!terms->upper)
		load->overloaded = 0;
}

/* Whether a real server has all the connections that it may have. A limit that was raised or lifted counts at once. */
static __always_inline bool is_overloaded(const struct real_load *load, const struct real_terms *terms)
{
	return terms->upper && load->overloaded >= terms->upper;
}

/* Counts that a flow of a real server went from one state to another; FLOW_EXPIRED stands for not being there. */
static __always_inline void count_change(__u32 real, __u8 from, __u8 to)
{
	struct real_load *load = bpf_map_lookup_elem(&real_loads, &real);
	const struct real_terms *terms = bpf_map_lookup_elem(&real_terms, &real);
	enum counted_as old = counted_as(from), new = counted_as(to);

	if (!load || !terms || old == new)
		return;
	if (old == ACTIVE)
		__sync_fetch_and_add(&load->active, -1);
	else if (old == INACTIVE)
		__sync_fetch_and_add(&load->inactive, -1);
	if (new == ACTIVE)
		__sync_fetch_and_add(&load->active, 1);
	else if (new == INACTIVE)
		__sync_fetch_and_add(&load->inactive, 1);
	if (terms->upper || load->overloaded)
		note_overload(load, terms);
}

/* The same, where it is seldom done. */
__noinline int count_flow(__u32 real, __u8 from, __u8 to)
{
	count_change(real, from, to);
	return 0;
}

/*
 * Adds to a number and to the one behind it, at the cost of one addition. When the first wraps around the second is one
 * too high, once in four billion.
 */
static __always_inline void add_both(__u32 *first, __u32 to_first, __u32 to_second)
{
	__sync_fetch_and_add((__u64 *)first, (__u64)to_second << 32 | to_first);
}

/* Counts that a real server was given a connection. */
static __always_inline void count_opened(__u32 real)
{
	struct handshakes *its = bpf_map_lookup_elem(&handshakes, &real);

	if (!its)
		return;
	add_both(&its->opened, 1, 1);
}

/*
 * Counts that a client has completed its handshake. That the real server answered tells no more than that it lived when
 * the SYN came: it may have died before the client went on. begun is when that was, in jiffies. A handshake counts as a
 * second long at most: the SYN was lost then, which says nothing of the way to the client.
 */
static __always_inline void count_completed(__u32 real, __u64 begun, __u64 now, __u32 second)
{
	struct handshakes *its = bpf_map_lookup_elem(&handshakes, &real);
	struct real_load *load = bpf_map_lookup_elem(&real_loads, &real);
	__u64 took = now - begun;

	if (!its || !load)
		return;
	add_both(&its->completed, 1, took < second ? took : second);
	its->unanswered = 0;
	if (load->answered < begun)
		load->answered = begun;
}

/* Whether so many clients in a row have had no answer from a real server that it is not the network. */
#define MANY_UNANSWERED 3

static __always_inline bool is_forsaken(__u32 real)
{
	const struct handshakes *its = bpf_map_lookup_elem(&handshakes, &real);

	return its && its->unanswered >= MANY_UNANSWERED;
}
