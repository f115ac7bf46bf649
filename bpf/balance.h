/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* The whole way of a packet: from the frame by way of service, gate and connection to the real server. */
#pragma once

#include "deliver.h"
#include "fragment.h"
#include "gate.h"
#include "parseany.h"
#include "probe.h"
#include "settle.h"

/* Leaves a packet that no service takes to the kernel, if that is to have it. */
static __always_inline int leave(struct xdp_md *ctx, const struct packet *pkt, enum verdict verdict)
{
	if (answers_probe(pkt)) {
		if (pkt->signs & FIRST_FRAGMENT)
			remember_fragment(pkt, PROBES, NO_REAL);
		return pass_to_probes(ctx);
	}
	return is_refused(pkt) ? drop(DROP_REFUSED) : pass(verdict);
}

/* Whether a peer balancer has chosen this host as the real server: then nobody else may get the packet. */
static __always_inline bool from_peer(const struct ethhdr *eth, __u32 service)
{
	union {
		__u64 word;
		struct peer peer;
	} from = { .word = (__u64)service << 48 | (__u64)mac_high(eth->h_source) << 32 | mac_low(eth->h_source) };

	return bpf_map_lookup_elem(&peers, &from);
}

/* Sends a packet to the real server that was chosen, or not. */
static __always_inline int send(struct xdp_md *ctx, const struct packet *pkt, union choice choice,
				enum gate_position gate)
{
	union real_word real = get_real(choice.real);
	bool opened = choice.verdict == FORWARD_NEW || choice.verdict == FORWARD_RESCHEDULED;

	if (real.state == REAL_ABSENT)
		return pass(PASS_NO_REAL);
	if (pkt->signs & IS_ERROR)
		choice.verdict = FORWARD_ERROR;
	return deliver(ctx, pkt, choice.real, real, gate == GATE_OPEN ? choice.verdict : FORWARD_GRACE, opened);
}

static __always_inline int balance(struct xdp_md *ctx, struct packet *pkt)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;
	enum gate_position gate;
	const struct service *service;
	union choice choice;
	__u32 id;

	if (pkt->to.family == IPV6)
		pkt->to.address = fold_address(&pkt->dest, 0);
	id = find_service(pkt->to);
	service = get_service(id);
	if (!service || (pkt->to.family == IPV6 && !same_address(&pkt->dest, &service->address)))
		return leave(ctx, pkt, PASS_NO_SERVICE);
	gate = gate_position(service->gate, bpf_jiffies64());
	if (gate == GATE_CLOSED)
		return pass(PASS_CLOSED);
	if (service->flags & HAS_LOCAL && (void *)(eth + 1) <= (void *)(long)ctx->data_end && from_peer(eth, id))
		return pass(PASS_PEER);

	choice.word = settle(pkt, id);
	if (pkt->signs & FIRST_FRAGMENT)
		remember_fragment(pkt, id, choice.real);
	return send(ctx, pkt, choice, gate);
}

/* A fragment without ports goes where its first one went. */
static __always_inline int follow_fragment(struct xdp_md *ctx, const struct packet *pkt)
{
	union followed first = { .word = find_fragment(pkt) };
	const struct service *service = get_service(first.service);
	enum gate_position gate;

	if (first.service == PROBES)
		return pass_to_probes(ctx);
	if (!service || first.real == NO_REAL)
		return leave(ctx, pkt, PASS_FRAGMENT);
	gate = gate_position(service->gate, bpf_jiffies64());
	if (gate == GATE_CLOSED)
		return pass(PASS_CLOSED);
	return send(ctx, pkt, (union choice){ .real = first.real, .verdict = FORWARD_FRAGMENT }, gate);
}

/* An IP packet, at a place in the frame. */
static __noinline int ip_packet(struct xdp_md *ctx, __u32 offset, __u32 family)
{
	struct packet pkt = {};
	enum verdict verdict;

	verdict = family == IPV6 ? parse_any_ipv6(ctx, offset, &pkt) : parse_any_ipv4(ctx, offset, &pkt);
	if (verdict != UNDECIDED)
		return leave(ctx, &pkt, verdict);
	return pkt.signs & LATER_FRAGMENT ? follow_fragment(ctx, &pkt) : balance(ctx, &pkt);
}

/* ARP and neighbor discovery; UNDECIDED for all else. */
static __always_inline enum verdict neighbors(struct cursor at, __be16 protocol)
{
	if (protocol == bpf_htons(ETH_P_ARP))
		return arp_verdict(&at, bpf_jiffies64());
	return protocol == bpf_htons(ETH_P_IPV6) ? neighbor_verdict(at, bpf_jiffies64()) : UNDECIDED;
}

/* Any frame. */
static __always_inline int whole_way(struct xdp_md *ctx)
{
	struct cursor at = cursor_at(ctx, 0);
	const struct ethhdr *eth = take(&at, sizeof(*eth));
	enum verdict verdict;
	__be16 protocol;
	__u64 unknown;

	if (!eth)
		return pass(PASS_MALFORMED);
	protocol = skip_tags(&at, eth->h_proto);
	if (!protocol)
		return pass(PASS_MALFORMED);
	verdict = neighbors(at, protocol);
	if (verdict != UNDECIDED)
		return verdict == DROP_SILENT ? drop(verdict) : pass(verdict);
	if (protocol != bpf_htons(ETH_P_IP) && protocol != bpf_htons(ETH_P_IPV6))
		return pass(PASS_NOT_IP);
	if (!for_interface(eth))
		return pass(PASS_OTHER_HOST);
	unknown = nothing(word(eth), word(eth));
	return ip_packet(ctx, offset_of(ctx, at) + unknown, (protocol == bpf_htons(ETH_P_IP) ? IPV4 : IPV6) + unknown);
}
