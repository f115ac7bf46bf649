/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Finding the service of a packet, and the real server that takes its next connection. */
#pragma once

#include "parse.h"

#define NO_SERVICE (~0u)
#define NO_REAL	   0 /* id 0 is never given */

/* How many slots of a schedule are tried before a service counts as without real servers. Only a real server that went
 * down an instant ago is still in a schedule, so more than a few in a row are not met. */
#define SCHEDULE_TRIES 4

/* The bucket of a service key. dataplane/index.go computes the same. */
static __always_inline __u32 service_hash(__u64 key)
{
	key = (key ^ key >> 32) * 0x9e3779b97f4a7c15ULL;
	return (key >> 48) & (SERVICE_BUCKETS - 1);
}

/* One load of eight bytes of a map that others write to. */
static __always_inline __u64 word(const void *eight_bytes)
{
	return *(const volatile __u64 *)eight_bytes;
}

static __always_inline __u32 find_service(struct service_key key)
{
	/* A union, not a cast: the key is put together in a register. Through memory it would be written in pieces and
	 * read as a whole, for which the CPU has to wait. */
	union {
		struct service_key key;
		__u64 word;
	} as = { .key = key };
	__u64 want = as.word;
	__u32 at = service_hash(want);
	const struct service_bucket *bucket = bpf_map_lookup_elem(&service_index, &at);

	if (!bucket)
		return NO_SERVICE;
#pragma unroll
	for (__u32 slot = 0; slot < SERVICES_PER_BUCKET; slot++)
		if (word(&bucket->key[slot]) == want)
			return at * SERVICES_PER_BUCKET + slot;
	return NO_SERVICE;
}

static __always_inline struct real get_real(__u32 id)
{
	const struct real *real = bpf_map_lookup_elem(&reals, &id);
	union {
		__u64 word;
		struct real real;
	} copy = { .word = real ? word(real) : 0 };

	return copy.real;
}

struct schedule {
	__u32 line;
	__u32 slots;
};

/* The real server in slot n of the schedule, or NO_REAL. */
static __always_inline __u32 scheduled(struct schedule schedule, __u32 n)
{
	__u32 line = schedule.line + n / REALS_PER_LINE;
	const struct schedule_line *reals_of = bpf_map_lookup_elem(&schedules, &line);

	return reals_of ? reals_of->real[n % REALS_PER_LINE] : NO_REAL;
}

static __always_inline struct schedule service_schedule(const struct service *service)
{
	union {
		__u64 word;
		struct schedule schedule;
	} copy = { .word = word(&service->schedule) };

	return copy.schedule;
}

/* The real server whose turn it is, NO_REAL when there is none. */
static __always_inline __u32 next_real(__u32 id, const struct service *service)
{
	struct schedule schedule = service_schedule(service);
	__u64 *cursor = bpf_map_lookup_elem(&cursors, &id);

	if (!cursor || !schedule.slots)
		return NO_REAL;
	for (int try = 0; try < SCHEDULE_TRIES; try++) {
		__u32 real = scheduled(schedule, __sync_fetch_and_add(cursor, 1) % schedule.slots);

		if (get_real(real).state == REAL_UP)
			return real;
	}
	return NO_REAL;
}

/*
 * The real server of a connection that is in no table: the same on every node that has the same schedule, so that a
 * takeover moves as few connections as it can without having been told of them.
 */
static __always_inline __u32 hashed_real(const struct packet *pkt, const struct service *service)
{
	struct schedule schedule = service_schedule(service);
	__u64 hash = ((__u64)pkt->client << 32 | (__u32)pkt->client_port << 16 | pkt->to.port) * 0x9e3779b97f4a7c15ULL;

	hash ^= hash >> 32;
	hash = (hash ^ pkt->to.address) * 0xd6e8feb86659fd93ULL;
	if (!schedule.slots)
		return NO_REAL;
	return scheduled(schedule, (hash >> 32) * schedule.slots >> 32);
}
