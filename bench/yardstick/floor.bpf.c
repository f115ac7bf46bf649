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
static __always_inline int touch(struct xdp_md *ctx)
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

SEC("xdp")
int xdp_touch(struct xdp_md *ctx)
{
	return touch(ctx);
}

/*
 * The same again, with 180 additions that wait for nothing, so that it has about as many instructions as Drover. A CPU goes
 * on with the next packets while it waits for the line of one, as far as its reorder buffer holds their instructions. What
 * this one takes more than touch is what a program's length alone costs.
 */
SEC("xdp")
int xdp_busy(struct xdp_md *ctx)
{
	asm volatile("r0 = 1; r2 = 1; r3 = 1; r4 = 1\n\t"
		     ".rept 44\n\tr0 += 3; r2 += 3; r3 += 3; r4 += 3\n\t.endr" ::: "r0", "r2", "r3", "r4");
	return touch(ctx);
}

char __license[] SEC("license") = "Dual BSD/GPL";
