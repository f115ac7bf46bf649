//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* The least that a balancer can do, and the least that one with a memory can do. */
#include "packet.h"

volatile const __u8 real_mac[6] __attribute__((aligned(8))) = {};
volatile const __u8 interface_mac[6] __attribute__((aligned(8))) = {};
/* Number of lines. */
volatile const __u32 line_count = 1;

/* One cache line. */
struct line {
	__u64 word[8];
};

/* As large as the flow table of Drover; the size is set before the map is created. Page-aligned, as that one is. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct line);
} lines SEC(".maps");

/* Everything goes to one real server. */
SEC("xdp")
int xdp_floor(struct xdp_md *ctx)
{
	struct packet pkt;

	if (!parse(ctx, &pkt))
		return XDP_PASS;
	rewrite(pkt.eth, real_mac, interface_mac);
	return XDP_TX;
}

static __always_inline __u64 hash_of(const struct packet *pkt)
{
	__u64 hash = (pkt->client.word[0] << 16 | pkt->client_port) * 0x9e3779b97f4a7c15ULL;

	if (pkt->ipv6)
		hash = (hash ^ pkt->client.word[1]) * 0x9e3779b97f4a7c15ULL;
	return (hash ^ hash >> 32) * 0xd6e8feb86659fd93ULL;
}

/* The same, once it has read the one line that belongs to the connection. */
SEC("xdp")
int xdp_touch(struct xdp_md *ctx)
{
	struct packet pkt;
	const struct line *line;
	__u64 hash;
	__u32 at;

	if (!parse(ctx, &pkt))
		return XDP_PASS;
	hash = hash_of(&pkt);
	at = (hash >> 32) * line_count >> 32;
	line = bpf_map_lookup_elem(&lines, &at);
	if (!line || *(const volatile __u64 *)&line->word[0]) /* zero: nobody writes to it */
		return XDP_ABORTED;
	rewrite(pkt.eth, real_mac, interface_mac);
	return XDP_TX;
}

char __license[] SEC("license") = "Dual BSD/GPL";
