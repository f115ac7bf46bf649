/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Real servers: where they are, and what they have to do. */
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
