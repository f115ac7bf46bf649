/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Segments of connections that are in no table, as after a takeover. Each goes to a real server by a hash that every
 * node shares. If that is the right one, it answers, and the client goes on; else it resets the connection, and the
 * client falls silent. So a connection that still sends a second later has proved itself and gets a place in the table.
 * An ACK flood does not: it only overwrites the notes of when a stray was first seen.
 */
#pragma once

#include "bind.h"

/* When a stray has proved itself, and until when it is remembered; in seconds. */
#define PROVED_AFTER  1
#define FORGOTTEN_AFTER 60

/* Notes a segment. Returns true when its connection has proved itself. */
static __always_inline bool proves_itself(const struct flow_id *id, __u32 now, __u32 hz)
{
	__u64 hash = mix(flow_hash(id->key));
	__u32 at = hash % STRAYS, tag = hash >> 32 | 1;
	struct stray *stray = bpf_map_lookup_elem(&strays, &at);
	union {
		__u64 word;
		struct stray stray;
	} note = { .stray = { .tag = tag, .since = now } }, known;

	if (!stray)
		return false;
	known.word = word(stray);
	if (known.stray.tag == tag && !idle_for(known.stray.since, now, FORGOTTEN_AFTER * hz))
		return idle_for(known.stray.since, now, PROVED_AFTER * hz - 1);
	*(volatile __u64 *)stray = note.word;
	return false;
}
