/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Moving flows from tables that are being replaced by larger ones. While old_flow_sets or old_flow6_sets is not zero, a
 * flow that is not in the new table is looked for in the old one and moves over; meanwhile the control plane has the
 * program sweep move all others.
 */
#pragma once

#include "bind.h"

static __always_inline struct set get_old_set(__u32 number, __u32 family)
{
	if (family == IPV6)
		return set_of(bpf_map_lookup_elem(&old_flows6, &number), true);
	return set_of(bpf_map_lookup_elem(&old_flows, &number), false);
}

/* Writes a flow of the old table to the new one, and then takes it from the old. */
static __always_inline void carry(struct flow *from, const struct flow_id *id, __u64 entry)
{
	__u32 how = word(&from->key) & SHARED_KEY ? MOVES | SHARED : MOVES;
	union binding bound = { .word = bind_flow(id, entry, UNSEEN, how) };

	if (write_key(from, 0) && bound.real == NO_REAL) /* there was no place for it */
		count_flow(entry_real(entry), entry_state(entry), FLOW_EXPIRED);
}

/* Moves a flow over if the old table has it. Returns what find_flow finds then. */
__noinline __u64 move_flow(const struct flow_id *id)
{
	union sight saw;
	struct set set;
	__u32 sets, slot;
	__u64 hash;

	if (!id)
		return UNSEEN;
	sets = id->family == IPV6 ? old_flow6_sets : old_flow_sets;
	if (!sets)
		return UNSEEN;
	hash = flow_hash(id->key);
	set = get_old_set(set_number(hash, sets), id->family);
	if (!set.flows)
		return UNSEEN;
	saw.word = find_in(set, hash, id);
	if (saw.word == UNSEEN)
		return find_flow(id); /* another CPU may have moved it just now */
	slot = saw.slot;
	asm volatile("" : "+r"(slot)); /* else the mask goes, and Linux 6.1 does not see the bound without it */
	carry(flow_in(set, slot % FLOWS_PER_SET), id, entry_word(saw.real, saw.state, saw.seen));
	return find_flow(id);
}

/* Finds a flow in the table, or in the one that it replaces. */
static __always_inline __u64 seek_flow(const struct flow_id *id)
{
	__u64 saw = find_flow(id);

	return saw == UNSEEN && (old_flow_sets || old_flow6_sets) ? move_flow(id) : saw;
}
