/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Fragments. The first one of a datagram has the ports; where it goes is remembered, and the later ones follow. One that
 * comes before its first goes to the kernel, as does every fragment of a datagram whose first one went there: it might
 * be the host's own, and if it is not the datagram is lost in either case.
 */
#pragma once

#include "bind.h"

/* How long a first fragment is remembered, in seconds: as long as Linux waits for the others (ipfrag_time). */
#define FRAGMENT_LIFETIME 30

static __always_inline struct fragment_key fragment_key(const struct packet *pkt)
{
	struct fragment_key key = {
		.from = pkt->from, .to = pkt->dest, .id = pkt->fragment_id, .family = pkt->to.family,
	};

	if (pkt->to.family == IPV4) {
		key.to.in6_u.u6_addr32[0] = pkt->to.address;
		key.protocol = pkt->to.protocol;
	}
	return key;
}

/* Remembers where a first fragment goes. */
__noinline int remember_fragment(const struct packet *pkt, __u32 service, __u32 real)
{
	struct fragment where = { .service = service, .real = real, .seen = bpf_jiffies64() };
	struct fragment_key key;

	if (!pkt)
		return 0;
	key = fragment_key(pkt);
	/* The table lets its oldest go, so it has room; if it should not, the later fragments count as unseen. */
	return bpf_map_update_elem(&fragments, &key, &where, BPF_ANY);
}

/* Where the first fragment of a datagram went. */
union followed {
	__u64 word;
	struct {
		__u32 service;
		__u32 real; /* NO_REAL: to the kernel, or it has not been seen lately */
	};
};

/* Returns a union followed. */
__noinline __u64 find_fragment(const struct packet *pkt)
{
	const struct settings *settings = get_settings();
	union followed where = { .word = 0 };
	const struct fragment *found;
	struct fragment_key key;

	if (!pkt || !settings)
		return where.word;
	key = fragment_key(pkt);
	found = bpf_map_lookup_elem(&fragments, &key);
	if (found && bpf_jiffies64() - found->seen < FRAGMENT_LIFETIME * settings->hz)
		where = (union followed){ .service = found->service, .real = found->real };
	return where.word;
}
