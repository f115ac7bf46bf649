/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Finding the service of a packet. */
#pragma once

#include "parse.h"

#define NO_SERVICE (~0u)

/* One load of eight bytes of a map that others write to. A macro: a profile tells the line that it is used in. */
#define word(eight_bytes) (*(const volatile __u64 *)(eight_bytes))

/* A value that the compiler works out here, and not wherever it is used: that would want more of its few registers. */
static __always_inline __u64 fixed(__u64 value)
{
	asm volatile("" : "+r"(value));
	return value;
}

/*
 * Zero, made of two equal values. The verifier does not know that it is, nor anything of what it is added to, and looks
 * only once at what follows. As forget, but without a call.
 */
static __always_inline __u64 nothing(__u64 value, __u64 same)
{
	asm volatile("%0 ^= %1" : "+r"(value) : "r"(same));
	return value;
}

/* A union, not a cast: the key is put together in a register. Through memory it would be written in pieces and read as
 * a whole, for which the CPU has to wait. */
static __always_inline __u64 service_word(struct service_key key)
{
	union {
		struct service_key key;
		__u64 word;
	} as = { .key = key };

	return as.word;
}

/* Makes bits that depend on all bits of x, evenly. */
static __always_inline __u64 mix(__u64 x)
{
	x = (x ^ x >> 32) * 0x9e3779b97f4a7c15ULL;
	return (x ^ x >> 29) * 0xd6e8feb86659fd93ULL;
}

/*
 * What the low half meets has bits that depend on all bits of the seed. Who does not know it cannot choose a low half that
 * makes up for another high one: turned about, even what a difference in the topmost bits comes to is multiplied far.
 */
static __always_inline __u64 fold(__u64 high, __u64 low, __u64 seed)
{
	high = __builtin_bswap64((high ^ seed) * 0xff51afd7ed558ccdULL) * 0xc4ceb9fe1a85ec53ULL;
	return mix(high ^ low) >> 32;
}

/* The 32 bits that stand for an IPv6 address in a key. dataplane/index.go computes the same. */
static __always_inline __u32 fold_address(const struct in6_addr *address, __u64 seed)
{
	const __u32 *part = address->in6_u.u6_addr32;

	return fold((__u64)part[1] << 32 | part[0], (__u64)part[3] << 32 | part[2], seed);
}

/* The same of an address in a packet, or in a map: only there may eight bytes stand at any place. */
static __always_inline __u32 fold_words(const struct in6_addr *address, __u64 seed)
{
	return fold(word(address), word(&address->in6_u.u6_addr32[2]), seed);
}

static __always_inline __u64 word_difference(const struct in6_addr *a, const struct in6_addr *b)
{
	return (word(a) ^ word(b)) | (word(&a->in6_u.u6_addr32[2]) ^ word(&b->in6_u.u6_addr32[2]));
}

/* The bucket of a service key. dataplane/index.go computes the same. */
static __always_inline __u32 service_hash(__u64 key)
{
	key = (key ^ key >> 32) * 0x9e3779b97f4a7c15ULL;
	return (key >> 48) & (SERVICE_BUCKETS - 1);
}

/* A service as the index has it. */
struct indexed {
	__u32 id; /* NO_SERVICE when there is none */
	const struct service_bucket *bucket;
};

static __always_inline struct indexed look_up_service(__u64 key)
{
	__u32 at = service_hash(key);
	const struct service_bucket *bucket = bpf_map_lookup_elem(&service_index, &at);

	if (!bucket)
		return (struct indexed){ .id = NO_SERVICE };
#pragma unroll
	for (__u32 slot = 0; slot < SERVICES_PER_BUCKET; slot++) {
		__u64 found = word(&bucket->key[slot]);

		if (found == key)
			return (struct indexed){ at * IDS_PER_BUCKET + slot + nothing(found, key), bucket };
	}
	return (struct indexed){ .id = NO_SERVICE };
}

/* The terms of a service, read at once: has_local in bit 56, the gate as gate_in says. */
static __always_inline __u64 terms_of(struct indexed service)
{
	return word(&service.bucket->terms) >> service.id % IDS_PER_BUCKET;
}

static __always_inline bool local_in(__u64 terms)
{
	return terms >> 56 & 1;
}

/* After the shift of terms_of by one bit for each slot seven are left. */
static __always_inline __u32 gate_in(__u64 terms, __u32 id)
{
	return terms >> id % IDS_PER_BUCKET * 7 & 0xff;
}

_Static_assert(GATES <= 256, "the index has a byte for a gate");

static __always_inline const struct service *get_service(__u32 id)
{
	return bpf_map_lookup_elem(&services, &id);
}

/* Finds the service of a packet: the one of its port before one of all ports. */
static __always_inline __u32 find_service(struct service_key to)
{
	__u32 id = look_up_service(service_word(to)).id;

	if (id != NO_SERVICE)
		return id;
	to.port = 0;
	return look_up_service(service_word(to)).id;
}

/* Zero if two addresses are the same; without a branch. */
static __always_inline __u64 address_difference(const struct in6_addr *a, const struct in6_addr *b)
{
	const __u32 *x = a->in6_u.u6_addr32, *y = b->in6_u.u6_addr32;

	return (x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]);
}

static __always_inline bool same_address(const struct in6_addr *a, const struct in6_addr *b)
{
	return !address_difference(a, b);
}
