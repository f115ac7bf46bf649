/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* What every balancer does to a packet: read its headers, and send it to another MAC address. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_MORE_FRAGMENTS  0x2000
#define IP_FRAGMENT_OFFSET 0x1fff
#define MOST_TAGS	   2

/* Of either version of IP; an IPv4 address is the first four bytes. */
struct address {
	__u64 word[2];
};

struct packet {
	struct ethhdr *eth;
	__u32 bytes;
	struct address client;
	struct address vip;
	__be16 client_port;
	__be16 vip_port;
	__u8 protocol;
	bool ipv6;
};

/* An IEEE 802.1Q or 802.1ad tag, from behind the type that announces it. */
struct vlan_tag {
	__be16 control;
	__be16 type; /* of what follows */
};

static __always_inline bool read_ports(void *at, void *end, struct packet *pkt)
{
	__be16 *ports = at;

	if (pkt->protocol != IPPROTO_TCP && pkt->protocol != IPPROTO_UDP)
		return false;
	if (at + (pkt->protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr)) > end)
		return false;
	pkt->client_port = ports[0];
	pkt->vip_port = ports[1];
	return true;
}

static __always_inline bool read_ipv4(void *at, void *end, struct packet *pkt)
{
	struct iphdr *ip = at;

	if ((void *)(ip + 1) > end || ip->ihl < 5)
		return false;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return false;
	pkt->ipv6 = false;
	pkt->client = (struct address){ { ip->saddr } };
	pkt->vip = (struct address){ { ip->daddr } };
	pkt->protocol = ip->protocol;
	return read_ports(at + ip->ihl * 4, end, pkt);
}

/* Without extension headers. */
static __always_inline bool read_ipv6(void *at, void *end, struct packet *pkt)
{
	struct ipv6hdr *ip = at;

	if ((void *)(ip + 1) > end)
		return false;
	pkt->ipv6 = true;
	__builtin_memcpy(&pkt->client, &ip->saddr, sizeof(pkt->client));
	__builtin_memcpy(&pkt->vip, &ip->daddr, sizeof(pkt->vip));
	pkt->protocol = ip->nexthdr;
	return read_ports(ip + 1, end, pkt);
}

/*
 * Reads a packet of TCP or UDP, over either version of IP, tagged or not. Returns false for what is not one, which a
 * balancer leaves to the kernel.
 */
static __always_inline bool parse(struct xdp_md *ctx, struct packet *pkt)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	void *at = eth + 1;
	__be16 type;

	if (at > end)
		return false;
	pkt->eth = eth;
	pkt->bytes = end - data;
	type = eth->h_proto;
#pragma unroll
	for (int i = 0; i < MOST_TAGS; i++) {
		struct vlan_tag *tag = at;

		if (type != bpf_htons(ETH_P_8021Q) && type != bpf_htons(ETH_P_8021AD))
			break;
		if ((void *)(tag + 1) > end)
			return false;
		type = tag->type;
		at = tag + 1;
	}
	if (type == bpf_htons(ETH_P_IP))
		return read_ipv4(at, end, pkt);
	return type == bpf_htons(ETH_P_IPV6) && read_ipv6(at, end, pkt);
}

/* In the fewest writes, as a balancer that minds its speed does it. */
static __always_inline void rewrite(void *frame, const volatile void *to, const volatile void *from)
{
	*(__u32 *)(frame + 0) = *(const volatile __u32 *)(to + 0);
	*(__u16 *)(frame + 4) = *(const volatile __u16 *)(to + 4);
	*(__u16 *)(frame + 6) = *(const volatile __u16 *)(from + 0);
	*(__u32 *)(frame + 8) = *(const volatile __u32 *)(from + 2);
}
