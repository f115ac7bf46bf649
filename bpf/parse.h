/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Reading a frame: a cursor that never runs past the end, and what the balancer wants to know of a packet.
 *
 * What nearly all packets are is read in usual.h, and all the others in parseany.h.
 */
#pragma once

#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/tcp.h>
#include <linux/udp.h>
#include <stdbool.h>
#include <bpf/bpf_endian.h>

#include "maps.h"

#define IP_MORE_FRAGMENTS   0x2000
#define IP_FRAGMENT_OFFSET  0x1fff

#define MOST_TAGS 2 /* 802.1Q, or 802.1ad and 802.1Q in it */

struct cursor {
	void *pos;
	void *end;
};

/* What is special about a packet. A segment in the middle of a connection has at most TCP_ACK of these. */
enum sign {
	TCP_FIN = 0x01, /* as they stand in the header of TCP */
	TCP_SYN = 0x02,
	TCP_RST = 0x04,
	TCP_ACK = 0x10,
	TCP_FLAGS = TCP_FIN | TCP_SYN | TCP_RST | TCP_ACK,
	DATAGRAM = 0x100, /* UDP: each may be the first of its connection */
	IS_ERROR = 0x200, /* an ICMP error about the connection */
	FIRST_FRAGMENT = 0x400,
	LATER_FRAGMENT = 0x800, /* without ports */
};

/* What a packet says. */
struct packet {
	struct in6_addr from, dest; /* of the client, and the VIP; IPv4 in the first word */
	struct service_key to;	    /* IPv6: the address is left to fold */
	__be16 client_port;
	__u16 signs;  /* enum sign */
	__u32 length; /* of the IP packet */
	__be32 fragment_id;
};

/* The header that ICMP (RFC 792) and ICMPv6 (RFC 4443) have in common. */
struct icmp_header {
	__u8 type;
	__u8 code;
	__be16 checksum;
	__be32 rest;
};

struct vlan_header {
	__be16 tag;
	__be16 protocol;
};

/* Returns the next size bytes and steps over them, or NULL when the frame ends before. */
static __always_inline void *take(struct cursor *at, __u64 size)
{
	void *start = at->pos;

	if (start + size > at->end)
		return NULL;
	at->pos = start + size;
	return start;
}

/*
 * Returns a number of which the verifier knows nothing any more: it looks then only once at what follows, and not once
 * for every value that the number may have.
 */
__noinline __u32 forget(__u32 number)
{
	asm volatile("" : "+r"(number));
	return number;
}

#define MOST_OFFSET 2047 /* at which a header may begin */

/* The cursor at a place in the frame. */
static __always_inline struct cursor cursor_at(struct xdp_md *ctx, __u32 offset)
{
	return (struct cursor){
		.pos = (void *)(long)ctx->data + (offset & MOST_OFFSET), .end = (void *)(long)ctx->data_end,
	};
}

/* The cursor at the start of the frame. */
static __always_inline struct cursor whole_frame(struct xdp_md *ctx)
{
	struct cursor at = { .pos = (void *)(long)ctx->data, .end = (void *)(long)ctx->data_end };

	/* Else the compiler may take them for the numbers that they are in struct xdp_md, and the verifier does not. */
	asm volatile("" : "+r"(at.pos), "+r"(at.end));
	return at;
}

/* How many bytes the frame has from a header on. */
static __always_inline __u32 left_from(struct cursor at, const void *header)
{
	return at.end - header;
}

static __always_inline __u32 offset_of(struct xdp_md *ctx, struct cursor at)
{
	return at.pos - (void *)(long)ctx->data;
}

/* Steps over VLAN tags. Returns what is in the innermost, 0 when the frame ends within one. */
static __always_inline __be16 skip_tags(struct cursor *at, __be16 protocol)
{
#pragma unroll
	for (int i = 0; i < MOST_TAGS; i++) {
		const struct vlan_header *vlan;

		if (protocol != bpf_htons(ETH_P_8021Q) && protocol != bpf_htons(ETH_P_8021AD))
			break;
		vlan = take(at, sizeof(*vlan));
		if (!vlan)
			return 0;
		protocol = vlan->protocol;
	}
	return protocol;
}

/* The words of a MAC address. Ethernet headers stand at any even address, which all CPUs of these architectures read. */
static __always_inline __u32 mac_low(const volatile void *mac)
{
	return *(const volatile __u32 *)mac;
}

static __always_inline __u16 mac_high(const volatile void *mac)
{
	return *(const volatile __u16 *)(mac + 4);
}

/* Whether a MAC address is that of a virtual router on this interface: 00:00:5e:00:01:ID, for IPv6 00:00:5e:00:02:ID. */
static __always_inline bool is_virtual(const void *mac)
{
	__u32 router = bpf_ntohs(mac_high(mac)) - 0x100;

	return mac_low(mac) == bpf_htonl(0x00005e00) && router < VIRTUAL_ROUTERS &&
	       virtual_routers[router / 64] >> router % 64 & 1;
}

/* Whether the frame is for the interface. A port that floods, or a promiscuous one, shows frames that are not. */
static __always_inline bool for_interface(const struct ethhdr *eth)
{
	return (mac_low(eth->h_dest) == mac_low(interface_mac) && mac_high(eth->h_dest) == mac_high(interface_mac)) ||
	       is_virtual(eth->h_dest);
}

/* Header structs that are packed are read byte by byte, if it is not by an offset. */
static __always_inline __be16 frame_type(const struct ethhdr *eth)
{
	return *(const __be16 *)((const void *)eth + offsetof(struct ethhdr, h_proto));
}

/* Whether the balancer knows what to do with a protocol. */
static __always_inline bool balanced(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP;
}

/* Reads the header of TCP or UDP, for which the IP packet says that it has so many bytes; that may be less than none. */
static __always_inline enum verdict parse_transport(struct cursor *at, __u8 protocol, __s32 room, struct packet *pkt)
{
	const struct tcphdr *tcp;
	const struct udphdr *udp;

	pkt->to.protocol = protocol;
	if (protocol == IPPROTO_TCP) {
		tcp = take(at, sizeof(*tcp));
		if (!tcp || room < (__s32)sizeof(*tcp))
			return PASS_MALFORMED;
		pkt->client_port = tcp->source;
		pkt->to.port = tcp->dest;
		pkt->signs |= ((const __u8 *)tcp)[13] & TCP_FLAGS;
		return UNDECIDED;
	}
	udp = take(at, sizeof(*udp));
	if (!udp || room < (__s32)sizeof(*udp))
		return PASS_MALFORMED;
	pkt->client_port = udp->source;
	pkt->to.port = udp->dest;
	pkt->signs |= DATAGRAM;
	return UNDECIDED;
}
