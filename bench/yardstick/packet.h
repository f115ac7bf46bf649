/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* What every balancer does to a packet: read its headers, and send it to another MAC address. */
#pragma once

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define IP_MORE_FRAGMENTS  0x2000
#define IP_FRAGMENT_OFFSET 0x1fff

struct packet {
	struct ethhdr *eth;
	__u32 bytes;
	__be32 client;
	__be32 vip;
	__be16 client_port;
	__be16 vip_port;
	__u8 protocol;
};

/* Reads an IPv4 packet of TCP or UDP. Returns false for what is not one, which a balancer leaves to the kernel. */
static __always_inline bool parse(struct xdp_md *ctx, struct packet *pkt)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	__be16 *ports;

	if ((void *)(ip + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) || ip->ihl < 5)
		return false;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return false;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return false;
	ports = (void *)ip + ip->ihl * 4;
	if ((void *)ports + (ip->protocol == IPPROTO_TCP ? sizeof(struct tcphdr) : sizeof(struct udphdr)) > end)
		return false;

	pkt->eth = eth;
	pkt->bytes = end - data;
	pkt->client = ip->saddr;
	pkt->vip = ip->daddr;
	pkt->client_port = ports[0];
	pkt->vip_port = ports[1];
	pkt->protocol = ip->protocol;
	return true;
}

/* In the fewest writes, as a balancer that minds its speed does it. */
static __always_inline void rewrite(void *frame, const volatile void *to, const volatile void *from)
{
	*(__u32 *)(frame + 0) = *(const volatile __u32 *)(to + 0);
	*(__u16 *)(frame + 4) = *(const volatile __u16 *)(to + 4);
	*(__u16 *)(frame + 6) = *(const volatile __u16 *)(from + 0);
	*(__u32 *)(frame + 8) = *(const volatile __u32 *)(from + 2);
}
