/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Probes through a VIP: health checks that come to a real server as a client's packets do. They are sent from a network
 * namespace of the control plane's, where the VIP is nobody's own, through a macvlan on each interface that real servers
 * are behind. On their way out probe addresses them to one of the real servers. Their answers come from the VIP to this
 * host's address, and here they are told from the host's own and addressed to the macvlan.
 *
 * Nothing of this is met by packets of services.
 */
#pragma once

#include <linux/pkt_cls.h>

#include "deliver.h"
#include "gate.h"

/* What stands for the service of a fragment that answers a probe. */
#define PROBES NO_SERVICE

/*
 * Whether a packet that no service takes answers a probe, or is an error about one: it comes from a VIP to a port that this
 * host gives to nothing else.
 */
__noinline int answers_probe(const struct packet *pkt)
{
	const struct probe_space *space;
	struct in6_addr from;
	__u32 only = 0;
	__u16 port;

	if (!pkt || !pkt->to.port)
		return false;
	space = bpf_map_lookup_elem(&probe_space, &only);
	port = bpf_ntohs(pkt->to.port);
	if (!space || port < space->first_port || port > space->last_port)
		return false;
	from = pkt->to.family == IPV6 ? pkt->from : mapped(pkt->from.in6_u.u6_addr32[0]);
	return bpf_map_lookup_elem(&vips, &from) != NULL;
}

/* Leaves a packet to the probes: the kernel hands it to the macvlan that has the MAC address. */
static __always_inline int pass_to_probes(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	const struct probe_space *space;
	__u32 only = 0;

	space = bpf_map_lookup_elem(&probe_space, &only);
	if (!space || frame + ETH_HLEN > (void *)(long)ctx->data_end)
		return pass(PASS_MALFORMED);
	*(__u32 *)frame = mac_low(space->mac);
	*(__u16 *)(frame + 4) = mac_high(space->mac);
	return pass(PASS_PROBE);
}

/* Addresses a probe to the real server whose id is its mark. What is none, and what the kernel says unasked, stays here. */
static __always_inline int send_probe(struct __sk_buff *skb)
{
	union real_word real = get_real(skb->mark);
	__u32 at = real.port;
	const struct port *port;
	struct {
		__u64 word;
		__u32 rest;
	} macs = {};

	if (real.state == REAL_ABSENT)
		return TC_ACT_SHOT;
	port = bpf_map_lookup_elem(&ports, &at);
	if (!port || !port->mtu)
		return TC_ACT_SHOT;
	address(&macs, real, word(port->mac));
	if (bpf_skb_store_bytes(skb, 0, &macs, 2 * ETH_ALEN, 0))
		return TC_ACT_SHOT;
	skb->mark = 0; /* it means something else on the interface below */
	return TC_ACT_OK;
}
