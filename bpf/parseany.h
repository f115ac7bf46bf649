/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * Reading every packet there may be: IP with options or extension headers, fragments, and ICMP errors.
 *
 * A packet is told in the words of its connection: an ICMP error that a router sends about a connection is read as if
 * the client had sent it, from the header that it quotes.
 *
 * These are functions of their own, which know a place in the frame as a number: what the verifier knows of it can be
 * forgotten, so that it looks at each once and not once for every way that leads to it. They are static, because a
 * global function can take the context only on kernels that carry their own BTF.
 */
#pragma once

#include "parse.h"

#define IPV6_MORE_FRAGMENTS  0x0001
#define IPV6_FRAGMENT_OFFSET 0xfff8

#define MOST_EXTENSIONS 6 /* headers between that of IPv6 and that of TCP or UDP */

/* The errors among the types, and pings and their answers. */
enum icmp_type {
	ICMP_ECHO_REPLY = 0,
	ICMP_UNREACHABLE = 3,
	ICMP_ECHO = 8,
	ICMP_TIME_EXCEEDED = 11,
	ICMP_PARAMETER_PROBLEM = 12,
	ICMPV6_UNREACHABLE = 1, /* the first of ICMPv6 */
	ICMPV6_PARAMETER_PROBLEM = 4, /* the last */
	ICMPV6_ECHO = 128,
	ICMPV6_ECHO_REPLY = 129,
};

struct ipv6_fragment_header {
	__u8 next;
	__u8 reserved;
	__be16 offset;
	__be32 id;
};

/* The first four bytes of every TCP and UDP header. */
struct ports {
	__be16 from;
	__be16 to;
};

/* The sequence numbers of pings that are health checks have this bit; those of ping(8) get there after nine hours. */
#define PROBE_ECHO bpf_htonl(0x8000)

/* Notes the id of a ping that may be a health check as the port that it came from. */
static __always_inline void note_echo(const struct icmp_header *icmp, struct packet *pkt)
{
	if (icmp->rest & PROBE_ECHO)
		pkt->to.port = bpf_htons(bpf_ntohl(icmp->rest) >> 16);
}

/* Reads the ports of the packet that an ICMP error quotes, which a real server sent: they stand the other way round. */
static __always_inline enum verdict parse_quoted_ports(struct cursor *at, __u8 protocol, struct packet *pkt)
{
	const struct icmp_header *echo;
	const struct ports *ports;

	if (!balanced(protocol)) {
		echo = take(at, sizeof(*echo));
		if (echo && ((protocol == IPPROTO_ICMP && echo->type == ICMP_ECHO) ||
			     (protocol == IPPROTO_ICMPV6 && echo->type == ICMPV6_ECHO)))
			note_echo(echo, pkt);
		return PASS_PROTOCOL;
	}
	ports = take(at, sizeof(*ports));
	if (!ports)
		return PASS_MALFORMED;
	pkt->to.protocol = protocol;
	pkt->to.port = ports->from;
	pkt->client_port = ports->to;
	pkt->signs = IS_ERROR;
	return UNDECIDED;
}

/* --- IPv4 -------------------------------------------------------------------------------------------------------- */

/* Reads an ICMP message at a place in the frame. Returns UNDECIDED, or the verdict on what is not to be balanced. */
static __noinline int parse_icmp(struct xdp_md *ctx, __u32 offset, struct packet *pkt)
{
	struct cursor at = cursor_at(ctx, offset);
	const struct icmp_header *icmp = take(&at, sizeof(*icmp));
	const struct iphdr *quoted;

	if (!icmp || !pkt)
		return PASS_MALFORMED;
	if (icmp->type == ICMP_ECHO_REPLY)
		note_echo(icmp, pkt);
	if (icmp->type != ICMP_UNREACHABLE && icmp->type != ICMP_TIME_EXCEEDED && icmp->type != ICMP_PARAMETER_PROBLEM)
		return PASS_PROTOCOL;
	quoted = take(&at, sizeof(*quoted));
	if (!quoted || quoted->ihl < 5 || !take(&at, (quoted->ihl - 5) * 4))
		return PASS_MALFORMED;
	if (quoted->frag_off & bpf_htons(IP_FRAGMENT_OFFSET)) /* it quotes no ports */
		return PASS_PROTOCOL;
	pkt->to.address = quoted->saddr;
	pkt->from.in6_u.u6_addr32[0] = quoted->daddr;
	return parse_quoted_ports(&at, quoted->protocol, pkt);
}

/* Reads any IPv4 packet at a place in the frame. Returns UNDECIDED, or the verdict on what is not to be balanced. */
static __noinline int parse_any_ipv4(struct xdp_md *ctx, __u32 offset, struct packet *pkt)
{
	struct cursor at = cursor_at(ctx, offset);
	const struct iphdr *ip = take(&at, sizeof(*ip));
	__u32 header;

	if (!ip || !pkt || ip->ihl < 5 || ip->version != 4)
		return PASS_MALFORMED;
	header = ip->ihl * 4;
	pkt->length = bpf_ntohs(ip->tot_len);
	if (pkt->length < header || pkt->length > left_from(at, ip) || !take(&at, header - sizeof(*ip)))
		return PASS_MALFORMED;
	pkt->to.family = IPV4;
	pkt->to.protocol = ip->protocol;
	pkt->to.address = ip->daddr;
	pkt->from.in6_u.u6_addr32[0] = ip->saddr;
	if (ip->frag_off & bpf_htons(IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET)) {
		pkt->fragment_id = ip->id;
		pkt->signs = FIRST_FRAGMENT;
		if (ip->frag_off & bpf_htons(IP_FRAGMENT_OFFSET)) {
			pkt->signs = LATER_FRAGMENT;
			return UNDECIDED;
		}
	}
	if (ip->protocol == IPPROTO_ICMP)
		return parse_icmp(ctx, forget(offset_of(ctx, at)), pkt);
	if (!balanced(ip->protocol))
		return PASS_PROTOCOL;
	return parse_transport(&at, ip->protocol, pkt->length - header, pkt);
}

/* --- IPv6 -------------------------------------------------------------------------------------------------------- */

/* Where a walk over headers stands. */
struct walk {
	__u32 offset;
	__u32 next; /* the kind of the header there */
	__u32 done; /* it is none to step over */
};

/* Steps over an extension header (RFC 8200, section 4). Returns UNDECIDED, or the verdict on a malformed one. */
static __noinline int step_over(struct xdp_md *ctx, struct walk *walk, struct packet *pkt)
{
	struct cursor at;
	const struct ipv6_opt_hdr *header;
	const struct ipv6_fragment_header *fragment;

	if (!walk || !pkt)
		return PASS_MALFORMED;
	at = cursor_at(ctx, walk->offset);
	switch (walk->next) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		header = take(&at, sizeof(*header));
		if (!header || walk->offset > MOST_OFFSET)
			return PASS_MALFORMED;
		walk->next = header->nexthdr;
		walk->offset += header->hdrlen * 8 + 8;
		return UNDECIDED;
	case IPPROTO_FRAGMENT:
		fragment = take(&at, sizeof(*fragment));
		if (!fragment || walk->offset > MOST_OFFSET)
			return PASS_MALFORMED;
		walk->next = fragment->next;
		walk->offset += sizeof(*fragment);
		pkt->fragment_id = fragment->id;
		if (fragment->offset & bpf_htons(IPV6_FRAGMENT_OFFSET)) {
			pkt->signs = LATER_FRAGMENT;
			walk->done = 1;
		} else if (fragment->offset & bpf_htons(IPV6_MORE_FRAGMENTS)) {
			pkt->signs = FIRST_FRAGMENT;
		}
		return UNDECIDED;
	default:
		walk->done = 1;
		return UNDECIDED;
	}
}

/* Steps over all extension headers, but for those behind the header of a later fragment, which belong to the data. */
static __always_inline enum verdict skip_extensions(struct xdp_md *ctx, struct walk *walk, struct packet *pkt)
{
	for (int i = 0; i <= MOST_EXTENSIONS; i++) {
		enum verdict verdict = step_over(ctx, walk, pkt);

		if (verdict != UNDECIDED)
			return verdict;
		if (walk->done)
			return walk->offset > MOST_OFFSET ? PASS_MALFORMED : UNDECIDED;
	}
	return PASS_PROTOCOL;
}

/* Reads an ICMPv6 message at a place in the frame. Returns UNDECIDED, or the verdict on what is not to be balanced. */
static __noinline int parse_icmp6(struct xdp_md *ctx, __u32 offset, struct packet *pkt)
{
	struct cursor at = cursor_at(ctx, offset);
	const struct icmp_header *icmp = take(&at, sizeof(*icmp));
	const struct ipv6hdr *quoted;
	enum verdict verdict;
	struct walk walk = {};

	if (!icmp || !pkt)
		return PASS_MALFORMED;
	if (icmp->type == ICMPV6_ECHO_REPLY)
		note_echo(icmp, pkt);
	if (icmp->type < ICMPV6_UNREACHABLE || icmp->type > ICMPV6_PARAMETER_PROBLEM)
		return PASS_PROTOCOL;
	quoted = take(&at, sizeof(*quoted));
	if (!quoted)
		return PASS_MALFORMED;
	pkt->dest = quoted->saddr;
	pkt->from = quoted->daddr;
	walk.next = quoted->nexthdr;
	walk.offset = offset_of(ctx, at);
	pkt->signs = 0;
	verdict = skip_extensions(ctx, &walk, pkt);
	if (verdict != UNDECIDED)
		return verdict;
	if (pkt->signs & LATER_FRAGMENT) /* it quotes no ports */
		return PASS_PROTOCOL;
	at = cursor_at(ctx, walk.offset);
	return parse_quoted_ports(&at, walk.next, pkt);
}

/* As parse_any_ipv4. */
static __noinline int parse_any_ipv6(struct xdp_md *ctx, __u32 offset, struct packet *pkt)
{
	struct cursor at = cursor_at(ctx, offset);
	const struct ipv6hdr *ip = take(&at, sizeof(*ip));
	struct walk walk = {};
	enum verdict verdict;
	__u32 payload;

	if (!ip || !pkt || ip->version != 6)
		return PASS_MALFORMED;
	payload = bpf_ntohs(ip->payload_len);
	if (payload > left_from(at, ip + 1))
		return PASS_MALFORMED;
	pkt->length = sizeof(*ip) + payload;
	pkt->to.family = IPV6;
	pkt->from = ip->saddr;
	pkt->dest = ip->daddr;
	walk.next = ip->nexthdr;
	walk.offset = offset_of(ctx, at);
	verdict = skip_extensions(ctx, &walk, pkt);
	if (verdict != UNDECIDED)
		return verdict;
	pkt->to.protocol = walk.next;
	if (pkt->signs & LATER_FRAGMENT)
		return UNDECIDED;
	if (walk.next == IPPROTO_ICMPV6)
		return parse_icmp6(ctx, forget(walk.offset), pkt);
	if (!balanced(walk.next))
		return PASS_PROTOCOL;
	at = cursor_at(ctx, walk.offset);
	return parse_transport(&at, walk.next, offset + pkt->length - walk.offset, pkt);
}
