/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Going over the flow tables, a stretch of sets at a time: the control plane runs this again and again, so that no
 * packet has to look after flows that have been idle for too long. What a run is to do, and what it found, is in the
 * packet that it is run with.
 */
#pragma once

#include "move.h"

enum sweep_work {
	SWEEP_EXPIRE, /* mark flows that have expired, and count all by state */
	SWEEP_MOVE,   /* move flows of the old table over to the new one */
};

struct sweep_order {
	__u32 work;   /* enum sweep_work */
	__u32 family; /* enum family */
	__u32 first;  /* number of the first set */
	__u32 sets;   /* how many, SWEEP_SETS at most */
	__u32 found[TIMEOUTS]; /* flows in each enum flow_state, after the sweep */
};

static __always_inline __u32 timeout_of(const struct flow *flow, const struct settings *settings)
{
	__u8 state = flow->state % TIMEOUTS;
	const struct service *service;

	if (state != FLOW_CLIENT && state != FLOW_CLIENT_NEW)
		return settings->timeout[state];
	service = get_service(flow->key.service % SERVICES);
	return service ? service->persistence : 0;
}

/* Marks a flow as expired if it has been idle for too long. Returns its state. */
__noinline int expire_flow(__u32 number, __u32 slot, __u32 family)
{
	const struct settings *settings = get_settings();
	__u32 at = number % FLOW_LOCKS, now = bpf_jiffies64();
	struct flow_lock *lock = bpf_map_lookup_elem(&flow_locks, &at);
	struct set set = get_set(number, family);
	struct flow *flow;
	bool expired;
	__u64 entry;

	if (!settings || !set.flows || !lock)
		return FLOW_EXPIRED;
	flow = flow_in(set, slot % FLOWS_PER_SET);
	entry = entry_of(flow);
	if (!idle_for(entry, now, timeout_of(flow, settings)))
		return entry_state(entry);
	bpf_spin_lock(&lock->lock);
	expired = entry_of(flow) == entry;
	if (expired)
		write_entry(flow, entry_word(entry_real(entry), FLOW_EXPIRED, entry));
	bpf_spin_unlock(&lock->lock);
	if (!expired)
		return entry_state(entry);
	count_flow(entry_real(entry), entry_state(entry), FLOW_EXPIRED);
	return FLOW_EXPIRED;
}

__noinline int expire_set(__u32 number, struct sweep_order *order)
{
	const struct settings *settings = get_settings();
	__u32 now = bpf_jiffies64();
	struct set set;

	if (!order || !settings)
		return 0;
	set = get_set(number, order->family);
	if (!set.flows)
		return 0;
	for (__u32 slot = 0; slot < FLOWS_PER_SET; slot++) {
		struct flow *flow = flow_in(set, slot);
		__u64 entry = entry_of(flow);
		__u32 state = entry_state(entry) % TIMEOUTS;

		if (!word(&flow->key))
			continue;
		if (state != FLOW_EXPIRED && idle_for(entry, now, settings->timeout[state]))
			state = expire_flow(number, slot, order->family);
		order->found[state % TIMEOUTS]++;
	}
	return 0;
}

static __always_inline struct flow_id id_of(struct set set, const struct flow *flow)
{
	struct flow_id id = { .key = word(&flow->key) & ~SHARED_KEY, .family = set.ipv6 ? IPV6 : IPV4 };

	if (set.ipv6)
		id.client = *client_of(flow);
	return id;
}

__noinline int move_set(__u32 number, struct sweep_order *order)
{
	struct set set;

	if (!order)
		return 0;
	set = get_old_set(number, order->family);
	if (!set.flows)
		return 0;
	for (__u32 slot = 0; slot < FLOWS_PER_SET; slot++) {
		struct flow *flow = flow_in(set, slot);
		struct flow_id id = id_of(set, flow);

		if (!id.key)
			continue;
		order->found[flow->state % TIMEOUTS]++;
		carry(flow, &id, entry_of(flow));
	}
	return 0;
}

static __always_inline int sweep_sets(struct xdp_md *ctx)
{
	struct sweep_order *asked = (void *)(long)ctx->data, order;

	if ((void *)(asked + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	order = *asked;
	for (__u32 n = 0; n < SWEEP_SETS; n++) {
		if (n >= order.sets)
			break;
		if (order.work == SWEEP_MOVE)
			move_set(order.first + n, &order);
		else
			expire_set(order.first + n, &order);
	}
	*asked = order;
	return XDP_PASS;
}

const enum sweep_work *type_sweep_work __attribute__((unused));
const struct sweep_order *type_sweep_order __attribute__((unused));
