/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Whether this node may speak for a VIP. See struct gate.
 *
 * ARP requests and neighbor solicitations for a VIP go unanswered while its gate is not open, so that a node whose
 * daemon died while it held the address cannot answer beside its successor.
 */
#pragma once

#include "parse.h"

#define ARP_REQUEST		1
#define NEIGHBOR_SOLICITATION	135
#define NEIGHBOR_ADVERTISEMENT	136

enum gate_position {
	GATE_OPEN,   /* MASTER */
	GATE_GRACE,  /* silent, but forwards what still arrives */
	GATE_CLOSED, /* silent, and packets are the kernel's */
};

/* An ARP packet of IPv4 over Ethernet (RFC 826). */
struct arp_ipv4 {
	__be16 hardware;
	__be16 protocol;
	__u8 hardware_len;
	__u8 protocol_len;
	__be16 operation;
	__u8 sender_mac[ETH_ALEN];
	__be32 sender;
	__u8 target_mac[ETH_ALEN];
	__be32 target;
} __attribute__((packed));

/* RFC 4861, section 4.3. */
struct neighbor_solicitation {
	struct icmp_header icmp;
	struct in6_addr target;
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

/* An IPv4 address, mapped into IPv6. */
static __always_inline struct in6_addr mapped(__be32 address)
{
	struct in6_addr mapped = {};

	mapped.in6_u.u6_addr16[5] = 0xffff;
	mapped.in6_u.u6_addr32[3] = address;
	return mapped;
}

/* The gate of a VIP; NULL for an address that is none. */
static __always_inline const struct gate *gate_of(const struct in6_addr *address)
{
	const struct vip *vip = bpf_map_lookup_elem(&vips, address);

	return vip ? bpf_map_lookup_elem(&gates, &vip->gate) : NULL;
}

/*
 * Whether a packet that no service takes is kept from the kernel. Neighbor discovery never is (RFC 9568, 6.4.3), and it
 * has been looked at before.
 */
__noinline int is_refused(const struct packet *pkt)
{
	const struct vip *vip;
	struct in6_addr to;

	if (!pkt)
		return false;
	to = pkt->to.family == IPV6 ? pkt->dest : mapped(pkt->to.address);
	vip = bpf_map_lookup_elem(&vips, &to);
	return vip && vip->refuses;
}

/*
 * A successor's gratuitous request is let through to a node that stepped down in good order: its own neighbour table
 * must follow too. A node whose lease merely ran out still holds the address and would answer even that, so there it is
 * dropped as well. So it is, whatever the gate, when it comes from a virtual MAC address that this node has, too: there is
 * nothing to learn from it, and an answer would have switches send here what is for the successor.
 */
static __always_inline enum verdict arp_verdict(struct cursor *at, __u64 now)
{
	const struct arp_ipv4 *arp = take(at, sizeof(*arp));
	struct in6_addr target;
	const struct gate *gate;

	if (!arp)
		return PASS_MALFORMED;
	if (arp->operation != bpf_htons(ARP_REQUEST) || arp->protocol != bpf_htons(ETH_P_IP))
		return PASS_NEIGHBOR;
	target = mapped(arp->target);
	gate = gate_of(&target);
	if (!gate)
		return PASS_NEIGHBOR;
	if (arp->sender == arp->target && is_virtual(arp->sender_mac))
		return DROP_SILENT;
	if (now < gate->open_until)
		return PASS_NEIGHBOR;
	if (gate->open_until == 0 && arp->sender == arp->target)
		return PASS_NEIGHBOR;
	return DROP_SILENT;
}

/* Returns UNDECIDED for what is neither a neighbor solicitation nor an answer to one. at stands at the header of IPv6, which it does not move. */
static __always_inline enum verdict neighbor_verdict(struct cursor at, __u64 now)
{
	const struct ipv6hdr *ip = take(&at, sizeof(*ip));
	const struct neighbor_solicitation *asks;
	const struct gate *gate;
	struct in6_addr target;

	if (!ip || ip->nexthdr != IPPROTO_ICMPV6)
		return UNDECIDED;
	asks = take(&at, sizeof(*asks));
	if (asks && asks->icmp.type == NEIGHBOR_ADVERTISEMENT)
		return PASS_NEIGHBOR;
	if (!asks || asks->icmp.type != NEIGHBOR_SOLICITATION)
		return UNDECIDED;
	target = asks->target;
	gate = gate_of(&target);
	return gate && now >= gate->open_until ? DROP_SILENT : PASS_NEIGHBOR;
}
