/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Persistence: the connections of a client go where its last one went, for a while (persistence_timeout). A client is
 * one address, or all those with a common prefix (persistence_granularity). It is remembered in the flow table, as a flow
 * without a port.
 */
#pragma once

#include "arrival.h"

/* The persistent client that a packet is from, as the owner of a flow. */
static __always_inline struct flow_id persistent_client(const struct arrival *arrival, const struct service *service)
{
	struct flow_id id = { .family = arrival->flow.family };
	const __u32 *mask = service->client_mask.in6_u.u6_addr32;
	union {
		__u64 word;
		struct flow_key key;
	} as = { .word = arrival->flow.key };
	__be32 client = as.key.client & mask[0];

	if (id.family == IPV6) {
		for (int i = 0; i < 4; i++)
			id.client.in6_u.u6_addr32[i] = arrival->flow.client.in6_u.u6_addr32[i] & mask[i];
		client = fold_address(&id.client, flow_seed);
	}
	id.key = flow_word(client, 0, arrival->service);
	return id;
}

/* Where the last connection of a persistent client went, if another one may go there; else NO_REAL. */
__noinline __u32 recall_client(const struct arrival *arrival, __u32 avoid)
{
	const struct service *service;
	struct flow_id client;
	union sight saw;

	if (!arrival)
		return NO_REAL;
	service = get_service(arrival->service);
	if (!service)
		return NO_REAL;
	client = persistent_client(arrival, service);
	saw.word = seek_flow(&client);
	if (saw.word == UNSEEN || saw.state == FLOW_EXPIRED || saw.real == avoid ||
	    idle_for(saw.seen, arrival->now, service->persistence) || get_real(saw.real).state != REAL_UP)
		return NO_REAL;
	change_flow(&client, saw.word, saw.state, arrival->now);
	return saw.real;
}

/* Remembers where a persistent client goes. Returns where it does: another CPU may have been first. */
__noinline __u32 note_client(const struct arrival *arrival, __u32 real)
{
	const struct service *service;
	struct flow_id client;
	union binding bound;

	if (!arrival)
		return real;
	service = get_service(arrival->service);
	if (!service)
		return real;
	client = persistent_client(arrival, service);
	bound.word = bind_flow(&client, entry_word(real, FLOW_CLIENT_NEW, arrival->now), find_flow(&client), 0);
	return bound.real != NO_REAL ? bound.real : real;
}

/* Remembers a persistent client for longer; a SYN flood cannot displace one that has an established connection. */
__noinline int keep_client(const struct arrival *arrival)
{
	const struct service *service;
	struct flow_id client;
	union sight saw;

	if (!arrival)
		return 0;
	service = get_service(arrival->service);
	if (!service || !service->persistence)
		return 0;
	client = persistent_client(arrival, service);
	saw.word = find_flow(&client);
	if (saw.word != UNSEEN && saw.state != FLOW_EXPIRED)
		change_flow(&client, saw.word, FLOW_CLIENT, arrival->now);
	return 0;
}
