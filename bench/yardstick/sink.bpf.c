//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/* The end of the cable: counts the frames for each real server, and drops them. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

enum limits {
	REALS = 4,
	OTHERS = REALS, /* for none of them, or not from the balancer */
	COUNTERS,
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} frames SEC(".maps");

/* The MAC address of real server 0; those of the others differ in the last byte, to which their number is added. */
volatile const __u8 real_mac[8] __attribute__((aligned(8))) = {}; /* six, and two of zero */
volatile const __u8 balancer_mac[8] __attribute__((aligned(8))) = {}; /* six, and two of zero */

const enum limits *type_limits __attribute__((unused));

static __always_inline __u32 counter_of(const void *frame)
{
	__u64 to = *(const __u64 *)frame, first = *(const volatile __u64 *)real_mac;
	__u64 balancer = *(const volatile __u64 *)balancer_mac;
	__u64 from = to >> 48 | (__u64) * (const __u32 *)(frame + 8) << 16;
	__u8 real = (to >> 40) - (first >> 40);

	if (from != balancer || (to << 24) != (first << 24) || real >= REALS)
		return OTHERS;
	return real;
}

SEC("xdp")
int xdp_sink(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	__u64 *counter;
	__u32 at;

	if (frame + ETH_HLEN > (void *)(long)ctx->data_end)
		return XDP_DROP;
	at = counter_of(frame);
	counter = bpf_map_lookup_elem(&frames, &at);
	if (counter)
		(*counter)++;
	return XDP_DROP;
}

char __license[] SEC("license") = "Dual BSD/GPL";
