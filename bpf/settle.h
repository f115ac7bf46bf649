/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Deciding about every packet that is not simply one more of an established connection: those that open a connection,
 * or close it, or belong to none.
 */
#pragma once

#include "follow.h"
#include "schedule.h"

/* The real server of the client's last connection, if the service is persistent and it may have another one. */
static __always_inline __u32 clients_real(const struct arrival *arrival, const struct service *service, __u32 avoid)
{
	return service->persistence ? recall_client(arrival, avoid) : NO_REAL;
}

/*
 * The real server of a new connection. With persistence it is that of the client's last one; the time that the client is
 * remembered begins anew with each connection, and with packets of those that are there.
 */
static __always_inline __u32 pick_for(const struct arrival *arrival, const struct service *service, __u32 avoid)
{
	__u32 real = clients_real(arrival, service, avoid);

	if (real != NO_REAL)
		return real;
	if (avoid != NO_REAL)
		real = pick(arrival->service, client_hash(arrival, service->flags & HASH_PORT), avoid | ANSWERING);
	if (real == NO_REAL)
		real = pick(arrival->service, client_hash(arrival, service->flags & HASH_PORT), avoid);
	return real != NO_REAL && service->persistence ? note_client(arrival, real) : real;
}

/*
 * The real server of a connection that is in no table: that of its persistent client if it is known, else by a hash that
 * every node shares. Under sh and mh it is the one that took the connection.
 */
static __always_inline __u32 likely_real(const struct arrival *arrival, const struct service *service, __u32 known)
{
	bool with_port = service->scheduler != BY_HASH || service->flags & HASH_PORT;

	return known != NO_REAL ? known : untracked_real(arrival->service, client_hash(arrival, with_port));
}

/*
 * Places a connection that opens now. saw is what is in the table of an earlier one with the same addresses, or of this
 * one, if that is unanswered.
 */
static __always_inline __u64 place(const struct arrival *arrival, const struct service *service, union sight saw,
				   bool unanswered)
{
	__u32 real = pick_for(arrival, service, unanswered ? saw.real : NO_REAL);
	__u8 state = arrival->signs & DATAGRAM ? FLOW_UDP : FLOW_EMBRYONIC;
	union binding bound;

	if (real == NO_REAL)
		return choose(NO_REAL, PASS_NO_REAL);
	if (arrival->signs & DATAGRAM && service->flags & ONE_PACKET)
		return choose(real, FORWARD_NEW);
	bound.word = bind_flow(&arrival->flow, entry_word(real, state, arrival->now), saw.word, 0);
	if (bound.real == NO_REAL)
		return choose(likely_real(arrival, service, clients_real(arrival, service, NO_REAL)), FORWARD_UNTRACKED);
	return choose(bound.real, bound.ours ? FORWARD_NEW : FORWARD_FLOW);
}

/* The real server of a packet that opens nothing and belongs to nothing. known is that of its persistent client. */
__noinline __u64 untracked(const struct arrival *arrival, __u64 saw, __u32 known)
{
	const struct settings *settings = get_settings();
	const struct service *service;
	union binding bound;
	__u32 real;

	if (!arrival || !settings)
		return choose(NO_REAL, PASS_NO_REAL);
	service = get_service(arrival->service);
	if (!service)
		return choose(NO_REAL, PASS_NO_REAL);
	real = likely_real(arrival, service, known);
	if (real == NO_REAL || arrival->signs & (IS_ERROR | TCP_RST | TCP_FIN) ||
	    !proves_itself(&arrival->flow, arrival->now, settings->hz))
		return choose(real, FORWARD_UNTRACKED);
	bound.word = bind_flow(&arrival->flow, entry_word(real, FLOW_RESUMED, arrival->now), saw, 0);
	if (bound.real == NO_REAL)
		return choose(real, FORWARD_UNTRACKED);
	return choose(bound.real, bound.ours ? FORWARD_RESUMED : FORWARD_FLOW);
}

static __always_inline __u64 settle_arrival(const struct arrival *arrival, const struct service *service)
{
	union sight saw = { .word = seek_flow(&arrival->flow) };
	enum fate fate = LEAVES;
	union choice choice;

	if (saw.word != UNSEEN)
		fate = fate_of(arrival, saw.word);
	if (fate == STAYS) {
		follow(arrival, saw.word);
		return choose(saw.real, FORWARD_FLOW);
	}
	if (!opens(arrival))
		return untracked(arrival, saw.word, clients_real(arrival, service, NO_REAL));

	choice.word = place(arrival, service, saw, fate == IS_UNANSWERED);
	if (choice.real == NO_REAL && fate == IS_UNANSWERED) /* rather a silent one than none */
		return choose(saw.real, FORWARD_FLOW);
	if (choice.verdict == FORWARD_NEW && saw.word != UNSEEN &&
	    (fate == IS_UNANSWERED || get_real(saw.real).state != REAL_UP))
		choice.verdict = FORWARD_RESCHEDULED;
	return choice.word;
}

/* Finds the real server of a packet for a service. Returns a union choice. */
__noinline __u64 settle(const struct packet *pkt, __u32 id)
{
	const struct service *service = get_service(id);
	struct arrival arrival;

	if (!pkt || !service)
		return choose(NO_REAL, PASS_NO_REAL);
	arrival = arrival_of(pkt, id);
	return settle_arrival(&arrival, service);
}
