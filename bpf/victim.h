/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Who has to go when a set is full: the flow that is missed least. Embryonic ones come first (a SYN flood displaces only
 * itself), and so on in the order of enum flow_state, the oldest of each first. An established connection never has to.
 * When a set holds nothing else the new connection goes untracked, by a hash, which keeps it in place as long as the
 * schedule stands; displacing the oldest, as a cache would, breaks a connection to store one that may never be.
 */
#pragma once

#include "entry.h"

static __always_inline bool is_vacant(const struct flow *flow)
{
	return !word(&flow->key) || flow->state == FLOW_EXPIRED;
}

/* The slot of a set whose flow would be missed least: by its state, then its youth. */
union least_missed {
	__u64 word;
	struct {
		__u64 slot : 4;
		__u64 youth : 32;
		__u64 state : 28; /* NEVER: it may not go */
	};
};

#define NEVER FLOW_ESTABLISHED

/* Whether a flow has been idle for too long. That of a persistent client only the sweep can tell. */
static __always_inline bool is_over(const struct settings *settings, __u8 state, __u32 seen, __u32 now)
{
	__u32 timeout = settings->timeout[state % TIMEOUTS];

	return timeout && idle_for(seen, now, timeout);
}

/* Looks whether the flow of a slot would be missed less than the one found so far. */
__noinline int consider_slot(__u32 number, __u32 slot, __u32 family, __u32 now, union least_missed *least)
{
	const struct settings *settings = get_settings();
	struct set set = get_set(number, family);
	union least_missed this = { .word = slot };
	const struct flow *flow;
	__u8 state;

	if (!settings || !set.flows || !least)
		return 0;
	flow = flow_in(set, slot % FLOWS_PER_SET);
	state = flow->state % TIMEOUTS;
	if (!is_vacant(flow) && !is_over(settings, state, flow->seen, now)) {
		this.state = state;
		this.youth = ~flow_age(flow->seen, now);
	}
	if (this.word < least->word)
		least->word = this.word;
	return 0;
}

/* Finds the flow of a full set that is missed least. Returns a union sight, or UNSEEN when none may go. */
__noinline __u64 find_victim(const struct flow_id *id, __u32 now)
{
	union least_missed least = { .state = NEVER };
	union sight sight;
	struct set set;
	__u32 number;

	if (!id)
		return UNSEEN;
	number = set_number(flow_hash(id->key), id->family == IPV6 ? flow6_sets : flow_sets);
	for (__u32 slot = 0; slot < FLOWS_PER_SET; slot++)
		consider_slot(number, slot, id->family, now, &least);
	set = get_set(number, id->family);
	if (least.state >= NEVER || !set.flows)
		return UNSEEN;
	sight.word = entry_of(flow_in(set, least.slot));
	sight.slot = least.slot;
	return sight.word;
}

/* Counts a flow that had to go before its time. */
static __always_inline void count_displaced(union sight gone, __u32 now)
{
	const struct settings *settings = get_settings();
	__u32 at = gone.state;
	__u64 *count = bpf_map_lookup_elem(&displaced, &at);

	if (count && settings && !is_over(settings, gone.state, gone.seen, now))
		(*count)++;
}
