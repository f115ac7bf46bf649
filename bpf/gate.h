/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Whether this node may speak for a VIP. See struct gate. */
#pragma once

#include "parse.h"

enum gate_position {
	GATE_OPEN,   /* MASTER */
	GATE_GRACE,  /* silent, but forwards what still arrives */
	GATE_CLOSED, /* silent, and packets are the kernel's */
};

static __always_inline enum gate_position gate_position(__u32 id, __u64 now)
{
	const struct gate *gate = bpf_map_lookup_elem(&gates, &id);

	if (!gate)
		return GATE_CLOSED;
	if (now < gate->open_until)
		return GATE_OPEN;
	return now < gate->forward_until ? GATE_GRACE : GATE_CLOSED;
}

/*
 * ARP requests for a VIP go unanswered while its gate is not open, so that a node whose daemon died while it held the
 * address cannot answer beside its successor. A successor's gratuitous request is let through to a node that stepped
 * down in good order: its own neighbour table must follow too. A node whose lease merely ran out still holds the
 * address and would answer even that, so there it is dropped as well.
 */
static __always_inline enum verdict arp_verdict(struct cursor *at, __u64 now)
{
	const struct arp_ipv4 *arp = take(at, sizeof(*arp));
	const struct gate *gate;
	__be32 target;
	__u32 *id;

	if (!arp)
		return PASS_MALFORMED;
	if (arp->operation != bpf_htons(ARP_REQUEST) || arp->protocol != bpf_htons(ETH_P_IP))
		return PASS_ARP;
	target = arp->target;
	id = bpf_map_lookup_elem(&vips, &target);
	if (!id)
		return PASS_ARP;
	gate = bpf_map_lookup_elem(&gates, id);
	if (gate && now < gate->open_until)
		return PASS_ARP;
	if (gate && gate->open_until == 0 && arp->sender == target)
		return PASS_ARP;
	return DROP_ARP_SILENT;
}
