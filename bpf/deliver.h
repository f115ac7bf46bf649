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

/* Whether a frame comes from the real server: a balancer that is one has sent it on, and would get it back. */
static __always_inline bool is_from(const void *frame, union real_word real)
{
	return *(const __u32 *)(frame + 8) == (__u32)(real.mac >> 16) && *(const __u16 *)(frame + 6) == (__u16)real.mac;
}

/* The interface's own MAC address. */
static __always_inline __u64 own_mac(void)
{
	return word((const void *)interface_mac);
}

/*
 * Addresses a frame to a real server, from the MAC address that stands in the low 48 bits of a word; in two writes. Below
 * the Ethernet addresses the frame stays as it is: the real server must see what the client sent.
 */
static __always_inline void address(void *frame, union real_word real, __u64 from)
{
	*(__u64 *)frame = real.mac | from << 48;
	*(__u32 *)(frame + 8) = from >> 16;
}

/* Sends a packet out of another interface than it came by. */
static __always_inline int redirect(void *frame, const struct packet *pkt, __u32 bytes, __u32 id,
				    union real_word real, enum verdict verdict, bool opened)
{
	__u32 at = real.port;
	const struct port *port = bpf_map_lookup_elem(&ports, &at);

	if (!port || !port->mtu)
		return pass(PASS_NO_REAL);
	if (pkt->length > port->mtu)
		return drop(DROP_TOO_BIG);
	address(frame, real, word(port->mac));
	count_verdict(verdict);
	count_traffic(id, bytes, opened);
	return bpf_redirect_map(&port_interfaces, at, XDP_DROP);
}

/* Sends a packet to its real server. */
static __always_inline int deliver(struct xdp_md *ctx, const struct packet *pkt, __u32 id, union real_word real,
				   enum verdict verdict, bool opened)
{
	void *frame = (void *)(long)ctx->data;
	__u32 bytes = ctx->data_end - ctx->data;

	if (frame + ETH_HLEN > (void *)(long)ctx->data_end)
		return pass(PASS_MALFORMED);
	if (real.port != interface_port) {
		if (real.port != PORT_LOCAL)
			return redirect(frame, pkt, bytes, id, real, verdict, opened);
		count_traffic(id, bytes, opened);
		return pass(PASS_LOCAL);
	}
	if (is_from(frame, real))
		return drop(DROP_LOOP);
	if (pkt->length > interface_mtu)
		return drop(DROP_TOO_BIG);
	address(frame, real, own_mac());
	count_verdict(verdict);
	count_traffic(id, bytes, opened);
	return XDP_TX;
}
