/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Connections that are in the table: whether a packet goes where its flow says, and what becomes of the flow then. */
#pragma once

#include "persistence.h"
#include "stray.h"

/* How long a real server has to answer a SYN, in sixteenths of a second: a client sends it again after one. */
#define SILENT_AFTER 12

/* When a flow was seen, of an embryonic one its first SYN, in whole jiffies. Another CPU may have noted the next jiffy. */
static __always_inline __u64 first_seen(union sight saw, const struct arrival *arrival)
{
	__s32 age = (__u32)arrival->now - saw.seen;

	return arrival->now - (age > 0 ? age : 0);
}

/*
 * Whether a real server is silent: the client sends its SYN again, and no client whose SYN came after its first one has
 * completed the handshake with the real server either. One whose SYN came before proves nothing, however late it goes on:
 * its answer may have been the last.
 */
static __always_inline bool silent(union sight saw, const struct arrival *arrival, __u32 hz)
{
	__u32 id = saw.real;
	const struct real_load *load = bpf_map_lookup_elem(&real_loads, &id);

	return saw.state == FLOW_EMBRYONIC && idle_for(saw.seen, arrival->now, SILENT_AFTER * hz / 16) && load &&
	       load->answered <= first_seen(saw, arrival);
}

/* What becomes of a packet that has a flow. */
enum fate {
	LEAVES,	      /* its flow says nothing any more */
	STAYS,	      /* goes where the flow says */
	IS_UNANSWERED, /* the same, but rather elsewhere */
};

static __always_inline bool stays(union sight saw, const struct arrival *arrival, const struct settings *settings)
{
	__u8 real_state = get_real(saw.real).state;

	if (real_state == REAL_ABSENT)
		return false;
	if (!opens(arrival))
		return true;
	/* A SYN sent again stays. One after the end is the client using its port for a new connection; so is a datagram
	 * after a long silence. */
	return real_state == REAL_UP && saw.state != FLOW_EXPIRED && saw.state != FLOW_CLOSING &&
	       saw.state != FLOW_RESET && !idle_for(saw.seen, arrival->now, settings->timeout[saw.state]);
}

/* Returns an enum fate. */
__noinline int fate_of(const struct arrival *arrival, __u64 word)
{
	const struct settings *settings = get_settings();
	union sight saw = { .word = word };

	if (!arrival || !settings || !stays(saw, arrival, settings))
		return LEAVES;
	return opens_tcp(arrival) && silent(saw, arrival, settings->hz) ? IS_UNANSWERED : STAYS;
}

static __always_inline __u8 next_state(union sight saw, const struct arrival *arrival, __u32 hz)
{
	if (opens(arrival))
		return saw.state;
	if (arrival->signs & TCP_RST)
		return saw.state == FLOW_EMBRYONIC ? FLOW_EMBRYONIC : FLOW_RESET;
	if (arrival->signs & TCP_FIN)
		return saw.state == FLOW_RESET ? FLOW_RESET : FLOW_CLOSING;
	if (saw.state == FLOW_RESUMED && !idle_for(saw.seen, arrival->now, PROVED_AFTER * hz))
		return FLOW_RESUMED;
	return saw.state == FLOW_CLOSING || saw.state == FLOW_RESET ? saw.state : FLOW_ESTABLISHED;
}

/* Notes where a connection stands that find_flow saw. */
__noinline int follow(const struct arrival *arrival, __u64 word)
{
	const struct settings *settings = get_settings();
	union sight saw = { .word = word };
	__u8 state;

	if (!arrival || !settings || arrival->signs & IS_ERROR)
		return 0;
	state = next_state(saw, arrival, settings->hz);
	if (state == FLOW_EMBRYONIC || (state == FLOW_RESUMED && saw.state == FLOW_RESUMED))
		return 0; /* their time counts from the first packet */
	if (state != saw.state || saw.seen != (__u32)arrival->now)
		change_flow(&arrival->flow, saw.word, state, arrival->now);
	if (saw.state == FLOW_EMBRYONIC)
		count_completed(saw.real, first_seen(saw, arrival), arrival->now, settings->hz);
	return keep_client(arrival);
}
