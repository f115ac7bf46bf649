/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Scheduling: which real server takes a new connection.
 *
 * The control plane has laid out the real servers in a schedule, an array that says most of what there is to say: their
 * turns, a hash table, or their order. The program takes an entry by turns, by hash or by chance, or searches them all
 * for the one that has the least to do. Only real servers that were fit an instant ago are in a schedule; one that has
 * just gone down, or has all the connections that it may have, is passed over.
 */
#pragma once

#include "flow.h"

/* How many entries of a schedule are tried before all are searched. */
#define TRIES 4

struct schedule {
	__u32 line;
	__u32 slots;
};

static __always_inline struct schedule service_schedule(const struct service *service)
{
	union {
		__u64 word;
		struct schedule schedule;
	} as = { .word = word(&service->schedule) };

	return as.schedule;
}

/* The id at a place of the schedule, NO_REAL beyond it. */
static __always_inline __u32 scheduled(struct schedule schedule, __u32 slot)
{
	__u32 at = schedule.line + slot / REALS_PER_LINE;
	const struct schedule_line *line = bpf_map_lookup_elem(&schedules, &at);

	return line ? line->real[slot % REALS_PER_LINE] : NO_REAL;
}

/*
 * In the id of a real server that is to be avoided: so are all that have not answered a SYN of late, 256 jiffies or a quarter
 * of a second to two and a half. The one that was silent may not be the only one.
 */
#define ANSWERING (1U << 31)
#define OF_LATE	  256

_Static_assert(MOST_REALS <= ANSWERING, "the topmost bit of an id is free");

/* Whether a real server takes a new connection. One that was silent is to be avoided. */
static __always_inline bool takes_new(__u32 id, __u32 avoid)
{
	const struct real_load *load = bpf_map_lookup_elem(&real_loads, &id);
	const struct real_terms *terms = bpf_map_lookup_elem(&real_terms, &id);

	return id != (avoid & ~ANSWERING) && load && terms && !is_overloaded(load, terms) &&
	       get_real(id).state == REAL_UP &&
	       (!(avoid & ANSWERING) || load->answered + OF_LATE > bpf_jiffies64());
}

/* A search for the real server with the least to do: the load is compared as a share of the weight. */
struct search {
	__u64 load;
	__u32 weight;
	__u32 best;
	__u32 scheduler;
	__u32 avoid;
};

/* Looks whether a real server has less to do than the best so far. */
__noinline int consider(__u32 id, struct search *search)
{
	const struct real_load *load = bpf_map_lookup_elem(&real_loads, &id);
	const struct real_terms *terms = bpf_map_lookup_elem(&real_terms, &id);
	__u64 burden = 0, weight = 1;

	if (!search || !load || !terms || !takes_new(id, search->avoid))
		return 0;
	switch (search->scheduler) {
	case LEAST_CONNECTIONS:
		burden = ((__u64)load->active << 8) + load->inactive;
		break;
	case LEAST_DELAY:
		burden = (__u64)load->active + 1;
		weight = terms->weight;
		break;
	case NEVER_QUEUE:
		burden = load->active ? (__u64)load->active + 1 : 0;
		weight = terms->weight;
		break;
	case FIRST:
		break;
	case OVERFLOW:
		if (load->active > terms->weight) /* as IPVS compares: it takes one more than its weight */
			return 0;
		break;
	default:
		burden = ((__u64)load->active << 8) + load->inactive;
		weight = terms->weight;
	}
	if (search->best != NO_REAL && burden * search->weight >= search->load * weight)
		return 0;
	search->best = id;
	search->load = burden;
	search->weight = weight;
	return 0;
}

__noinline int consider_line(__u32 at, __u32 entries, struct search *search)
{
	const struct schedule_line *line = bpf_map_lookup_elem(&schedules, &at);

	if (!line || !search)
		return 0;
	for (__u32 i = 0; i < REALS_PER_LINE; i++)
		if (i < entries)
			consider(line->real[i], search);
	return 0;
}

/* Searches the whole schedule. */
__noinline __u32 least_loaded(__u32 id, __u32 scheduler, __u32 avoid)
{
	struct search search = { .weight = 1, .best = NO_REAL, .scheduler = scheduler, .avoid = avoid };
	const struct service *service = get_service(id);
	struct schedule schedule;

	if (!service)
		return NO_REAL;
	schedule = service_schedule(service);
	for (__u32 n = 0; n < SCAN_LINES; n++) {
		if (n * REALS_PER_LINE >= schedule.slots)
			break;
		consider_line(schedule.line + n, schedule.slots - n * REALS_PER_LINE, &search);
	}
	return search.best;
}

static __always_inline __u32 by_turns(__u32 id, struct schedule schedule, __u32 avoid)
{
	__u64 *cursor = bpf_map_lookup_elem(&cursors, &id);

	if (!cursor)
		return NO_REAL;
	for (int try = 0; try < TRIES; try++) {
		__u32 real = scheduled(schedule, __sync_fetch_and_add(cursor, 1) % schedule.slots);

		if (takes_new(real, avoid))
			return real;
	}
	return least_loaded(id, LEAST_WEIGHTED, avoid);
}

/* The entry of the schedule that a hash falls on. */
static __always_inline __u32 hashed(struct schedule schedule, __u64 hash)
{
	return scheduled(schedule, (hash >> 32) * schedule.slots >> 32);
}

/* Where to look after an entry that takes no connection. */
static __always_inline __u64 next_hash(__u64 hash, int try)
{
	return mix(hash + try + 1);
}

static __always_inline __u32 by_hash(__u32 id, struct schedule schedule, __u64 hash, bool fallback, __u32 avoid)
{
	for (int try = 0; try < TRIES; try++) {
		__u32 real = hashed(schedule, hash);

		if (takes_new(real, avoid))
			return real;
		/* It has all the connections that it may have, or is silent, which may be the network's fault. */
		if (!fallback && get_real(real).state == REAL_UP && !(real == (avoid & ~ANSWERING) && is_forsaken(real)))
			return NO_REAL;
		hash = next_hash(hash, try);
	}
	return least_loaded(id, LEAST_WEIGHTED, avoid);
}

static __always_inline __u32 by_two(__u32 id, struct schedule schedule, __u32 avoid)
{
	struct search search = { .weight = 1, .best = NO_REAL, .scheduler = LEAST_WEIGHTED, .avoid = avoid };

	for (int draw = 0; draw < 2; draw++)
		consider(hashed(schedule, (__u64)bpf_get_prandom_u32() << 32), &search);
	return search.best != NO_REAL ? search.best : least_loaded(id, LEAST_WEIGHTED, avoid);
}

/* Picks the real server of a new connection of a service. hash is that of its client. */
__noinline __u32 pick(__u32 id, __u64 hash, __u32 avoid)
{
	const struct service *service = get_service(id);
	struct schedule schedule;

	if (!service)
		return NO_REAL;
	schedule = service_schedule(service);
	if (!schedule.slots)
		return NO_REAL;
	switch (service->scheduler) {
	case BY_TURNS:
		return by_turns(id, schedule, avoid);
	case BY_HASH:
		return by_hash(id, schedule, hash, service->flags & FALLBACK, avoid);
	case BY_TWO:
		return by_two(id, schedule, avoid);
	default:
		return least_loaded(id, service->scheduler, avoid);
	}
}

/*
 * The real server for a connection that is not in the table and does not open now: the one that the hash falls on, or,
 * as for a new connection, the next that is up.
 */
__noinline __u32 untracked_real(__u32 id, __u64 hash)
{
	const struct service *service = get_service(id);
	struct schedule schedule;
	__u32 first = NO_REAL;

	if (!service)
		return NO_REAL;
	schedule = service_schedule(service);
	if (!schedule.slots)
		return NO_REAL;
	if (service->scheduler == FIRST || service->scheduler == OVERFLOW)
		return scheduled(schedule, 0);
	for (int try = 0; try < TRIES; try++) {
		__u32 real = hashed(schedule, hash);

		if (get_real(real).state == REAL_UP)
			return real;
		if (try == 0)
			first = real;
		hash = next_hash(hash, try);
	}
	return first;
}
