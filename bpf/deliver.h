/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* The exits of the program. Each counts its verdict once. */
#pragma once

#include "parse.h"

static __always_inline void count_verdict(__u32 verdict)
{
	__u64 *packets = bpf_map_lookup_elem(&verdicts, &verdict);

	if (packets)
		(*packets)++;
}

static __always_inline void count_traffic(struct traffic *traffic, __u32 bytes, bool opened)
{
	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += bytes;
	traffic->connections += opened;
}

static __always_inline int pass(enum verdict verdict)
{
	count_verdict(verdict);
	return verdict == DROP_ARP_SILENT ? XDP_DROP : XDP_PASS;
}

static __always_inline int forward(enum verdict verdict, const struct packet *pkt, __u32 service, __u32 real,
				   bool opened)
{
	count_verdict(verdict);
	count_traffic(bpf_map_lookup_elem(&service_traffic, &service), pkt->bytes, opened);
	count_traffic(bpf_map_lookup_elem(&real_traffic, &real), pkt->bytes, opened);
	return XDP_TX;
}
