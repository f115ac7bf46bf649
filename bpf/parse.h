/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* Reading a frame: a cursor that never runs past the end, and what the balancer wants to know of a packet. */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>

#include "tables.h"

#define IP_MORE_FRAGMENTS  0x2000
#define IP_FRAGMENT_OFFSET 0x1fff
#define ARP_REQUEST	   1

struct cursor {
	void *pos;
	void *end;
};

struct packet {
	struct ethhdr *eth;
	__u32 bytes;
	struct service_key to;
	__be32 client;
	__be16 client_port;
	bool opens;  /* may be the first of its connection: a SYN, or any datagram */
	bool syn;    /* SYN without ACK */
	bool closes; /* FIN or RST */
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

/* Returns the next size bytes and steps over them, or NULL when the frame ends before. */
static __always_inline void *take(struct cursor *at, __u64 size)
{
	void *start = at->pos;

	if (start + size > at->end)
		return NULL;
	at->pos = start + size;
	return start;
}

static __always_inline struct cursor frame_cursor(struct xdp_md *ctx)
{
	return (struct cursor){ .pos = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };
}

/* A MAC address is three half-words: the Ethernet header is aligned to two bytes. */
static __always_inline void write_mac(__u8 *to, const volatile __u8 *mac)
{
	for (int i = 0; i < ETH_ALEN / 2; i++)
		((__u16 *)to)[i] = ((const volatile __u16 *)mac)[i];
}

static __always_inline bool same_mac(const __u8 *mac, const volatile __u8 *other)
{
	const volatile __u16 *a = (const volatile __u16 *)mac, *b = (const volatile __u16 *)other;

	return a[0] == b[0] && a[1] == b[1] && a[2] == b[2];
}

/* Whether the frame is for the interface. A port that floods, or a promiscuous one, shows frames that are not. */
static __always_inline bool for_interface(const struct ethhdr *eth)
{
	return same_mac(eth->h_dest, interface_mac);
}

/* Reads the IPv4 and TCP or UDP headers into pkt. Returns UNDECIDED, or the verdict on what is not to be balanced. */
static __always_inline enum verdict parse_ipv4(struct cursor *at, struct packet *pkt)
{
	struct iphdr *ip = take(at, sizeof(*ip));
	struct tcphdr *tcp;
	struct udphdr *udp;

	if (!ip || ip->ihl < 5)
		return PASS_MALFORMED;
	if (!take(at, (ip->ihl - 5) * 4)) /* options */
		return PASS_MALFORMED;
	if (ip->protocol != IPPROTO_TCP && ip->protocol != IPPROTO_UDP)
		return PASS_PROTOCOL;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
		return PASS_FRAGMENT;

	pkt->client = ip->saddr;
	pkt->to.address = ip->daddr;
	pkt->to.protocol = ip->protocol;
	if (ip->protocol == IPPROTO_UDP) {
		udp = take(at, sizeof(*udp));
		if (!udp)
			return PASS_MALFORMED;
		pkt->client_port = udp->source;
		pkt->to.port = udp->dest;
		pkt->opens = true;
		return UNDECIDED;
	}
	tcp = take(at, sizeof(*tcp));
	if (!tcp)
		return PASS_MALFORMED;
	pkt->client_port = tcp->source;
	pkt->to.port = tcp->dest;
	pkt->syn = tcp->syn && !tcp->ack;
	pkt->opens = pkt->syn;
	pkt->closes = tcp->fin || tcp->rst;
	return UNDECIDED;
}
