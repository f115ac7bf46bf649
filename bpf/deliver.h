/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* The exits of the program. Each counts its verdict once. */
#pragma once

#include "parse.h"
#include "real.h"

static __always_inline void count_verdict(__u32 verdict)
{
	__u64 *packets = bpf_map_lookup_elem(&verdicts, &verdict);

	if (packets)
		(*packets)++;
}

static __always_inline int pass(enum verdict verdict)
{
	count_verdict(verdict);
	return XDP_PASS;
}

static __always_inline int drop(enum verdict verdict)
{
	count_verdict(verdict);
	return XDP_DROP;
}

static __always_inline void count_traffic(__u32 real, __u32 bytes, bool opened)
{
	struct traffic *traffic = bpf_map_lookup_elem(&real_traffic, &real);

	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += bytes;
	traffic->connections += opened;
}

/* Whether a packet comes from the real server: a balancer that is one has sent it on, and would get it back. */
static __always_inline bool comes_from(const struct ethhdr *eth, struct real real)
{
	return mac_low(eth->h_source) == mac_low(real.mac) && mac_high(eth->h_source) == mac_high(real.mac);
}

/* Below the Ethernet addresses the frame stays as it is: the real server must see what the client sent. */
static __always_inline void address(struct ethhdr *eth, struct real real, const volatile void *from)
{
	*(__u32 *)eth->h_dest = mac_low(real.mac);
	*(__u16 *)(eth->h_dest + 4) = mac_high(real.mac);
	*(__u16 *)eth->h_source = *(const volatile __u16 *)from;
	*(__u32 *)(eth->h_source + 2) = *(const volatile __u32 *)(from + 2);
}

/* Whether a frame may come from a real server, from what the last four bytes of its MAC address say. */
static __always_inline bool is_from(const void *frame, union real_word real)
{
	return *(const __u32 *)(frame + 8) == (__u32)(real.mac >> 16);
}

/* Addresses a frame to a real server on the interface that it came by, in two writes. */
static __always_inline void send_back(void *frame, union real_word real)
{
	__u64 own = word((const void *)interface_mac);

	*(__u64 *)frame = real.mac | own << 48;
	*(__u32 *)(frame + 8) = own >> 16;
}

/* Sends a packet out of another interface than it came by. */
static __always_inline int redirect(struct ethhdr *eth, const struct packet *pkt, __u32 bytes, __u32 id,
				    struct real real, enum verdict verdict, bool opened)
{
	__u32 at = real.port;
	const struct port *port = bpf_map_lookup_elem(&ports, &at);

	if (!port || !port->mtu)
		return pass(PASS_NO_REAL);
	if (pkt->length > port->mtu)
		return drop(DROP_TOO_BIG);
	address(eth, real, port->mac);
	count_verdict(verdict);
	count_traffic(id, bytes, opened);
	return bpf_redirect_map(&port_interfaces, at, XDP_DROP);
}

/* Sends a packet to its real server. */
static __always_inline int deliver(struct xdp_md *ctx, const struct packet *pkt, __u32 id, struct real real,
				   enum verdict verdict, bool opened)
{
	struct ethhdr *eth = (void *)(long)ctx->data;
	__u32 bytes = ctx->data_end - ctx->data;

	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return pass(PASS_MALFORMED);
	if (real.port != interface_port) {
		if (real.port != PORT_LOCAL)
			return redirect(eth, pkt, bytes, id, real, verdict, opened);
		count_traffic(id, bytes, opened);
		return pass(PASS_LOCAL);
	}
	if (comes_from(eth, real))
		return drop(DROP_LOOP);
	if (pkt->length > interface_mtu)
		return drop(DROP_TOO_BIG);
	address(eth, real, interface_mac);
	count_verdict(verdict);
	count_traffic(id, bytes, opened);
	return XDP_TX;
}
