/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* The entry of a flow, all but its key: one word that holds when it was seen, its real server and its state. */
#pragma once

#include "flow.h"

/* Jiffies since a flow's last packet, plus JIFFIES_AHEAD: another CPU may have noted a jiffy that this one has not read
 * yet, and a difference below zero would be a very long time. */
static __always_inline __u32 flow_age(__u32 seen, __u32 now)
{
	return now + JIFFIES_AHEAD - seen;
}

static __always_inline bool idle_for(__u32 seen, __u32 now, __u32 jiffies)
{
	return flow_age(seen, now) > jiffies + JIFFIES_AHEAD;
}

static __always_inline const struct settings *get_settings(void)
{
	__u32 only = 0;

	return bpf_map_lookup_elem(&settings, &only);
}

static __always_inline __u64 entry_of(const struct flow *flow)
{
	return word((const void *)flow + offsetof(struct flow, seen));
}

static __always_inline __u64 entry_word(__u32 real, __u8 state, __u32 seen)
{
	return (__u64)state << 56 | (__u64)(real & 0xffffff) << 32 | seen;
}

static __always_inline __u8 entry_state(__u64 entry)
{
	return entry >> 56;
}

static __always_inline __u32 entry_real(__u64 entry)
{
	return entry >> 32 & 0xffffff;
}
