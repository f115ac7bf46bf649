/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Reading the packets that nearly all are: IP without options or extension headers, not fragmented, with a datagram of
 * UDP or a segment of TCP that neither opens nor closes its connection. All others are for parseany.h.
 *
 * Fields that are looked at together are read together.
 */
#pragma once

#include "flow.h"

/* A usual packet, in the frame. */
struct usual {
	void *frame;
	const struct ipv6hdr *six; /* NULL for IPv4 */
	__u64 service;		   /* word of the key; IPv6: the address is left to fold */
	__u64 from;		   /* word of a flow's key without the service; IPv6: likewise */
};

/* From the fragment offset of an IPv4 header on: what only a fragment has set, and the protocol. */
#define FRAGMENT_AND_PROTOCOL bpf_htonl((IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET) << 16 | 0xff)

/* The least that a header of IPv4 and what is looked at behind it take. */
#define USUAL_BYTES (sizeof(struct iphdr) + sizeof(struct tcphdr))

static __always_inline bool moves_connection(const struct tcphdr *tcp)
{
	return ((const __u8 *)tcp)[13] & (TCP_SYN | TCP_FIN | TCP_RST);
}

/* Whether a packet says of itself that it is neither shorter than its headers nor longer than there is room. */
static __always_inline bool fits(__u32 length, __u32 headers, __u32 room)
{
	return length - headers <= room - headers && length <= interface_mtu;
}

/* The word of a service key without address. */
static __always_inline __u64 port_word(__be16 port, __u8 protocol, __u8 family)
{
	return service_word((struct service_key){ .port = port, .protocol = protocol, .family = family });
}

/* Returns false for a packet that is not usual. The room for IP is known to be USUAL_BYTES at least. */
static __always_inline bool read_usual_ipv4(const struct iphdr *ip, __u32 room, struct usual *pkt)
{
	__be32 kind = *(const __be32 *)((const void *)ip + offsetof(struct iphdr, frag_off)) & FRAGMENT_AND_PROTOCOL;
	const struct tcphdr *tcp = (const void *)(ip + 1);
	__u32 length = bpf_ntohs(ip->tot_len);

	if (*(const __u8 *)ip != 0x45) /* version, and length of the header */
		return false;
	if (kind == bpf_htonl(IPPROTO_TCP)) {
		if (moves_connection(tcp) || !fits(length, sizeof(*ip) + sizeof(*tcp), room))
			return false;
		pkt->service = port_word(tcp->dest, IPPROTO_TCP, IPV4);
	} else if (kind == bpf_htonl(IPPROTO_UDP)) {
		if (!fits(length, sizeof(*ip) + sizeof(struct udphdr), room))
			return false;
		pkt->service = port_word(tcp->dest, IPPROTO_UDP, IPV4); /* the ports of UDP stand where TCP's do */
	} else {
		return false;
	}
	pkt->service |= ip->daddr;
	pkt->from = fixed(flow_word(ip->saddr, tcp->source, 0));
	return true;
}

/* The same for IPv6, with any room. */
static __always_inline bool read_usual_ipv6(const struct ipv6hdr *ip, const void *end, struct usual *pkt)
{
	const struct tcphdr *tcp = (const void *)(ip + 1);
	__u32 length = sizeof(*ip) + bpf_ntohs(ip->payload_len), room = end - (const void *)ip;

	if ((const void *)tcp + sizeof(struct udphdr) > end || *(const __u8 *)ip >> 4 != 6)
		return false;
	if (ip->nexthdr == IPPROTO_TCP) {
		if ((const void *)(tcp + 1) > end || moves_connection(tcp) ||
		    !fits(length, sizeof(*ip) + sizeof(*tcp), room))
			return false;
		pkt->service = port_word(tcp->dest, IPPROTO_TCP, IPV6);
	} else if (ip->nexthdr == IPPROTO_UDP) {
		if (!fits(length, sizeof(*ip) + sizeof(struct udphdr), room))
			return false;
		pkt->service = port_word(tcp->dest, IPPROTO_UDP, IPV6);
	} else {
		return false;
	}
	pkt->from = flow_word(0, tcp->source, 0);
	pkt->six = ip;
	return true;
}
