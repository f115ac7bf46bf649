//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Plays a script of packets to the program under test.
 *
 * BPF_PROG_TEST_RUN repeats a program over one buffer and never restores it, so a balancer would be measured on its own
 * output from the second repeat on. This program makes the buffer the next packet of the script and then jumps to the
 * program under test. The IP and TCP checksums are not kept right: nobody looks at them.
 */
#include "packet.h"

/* A packet, as far as it differs from the others, the way it stands in the frame. */
struct step {
	struct {
		__be32 client;
		__be32 vip;
	} addresses __attribute__((aligned(8)));
	struct {
		__be16 client;
		__be16 vip;
	} ports __attribute__((aligned(4)));
	__be16 flags; /* of TCP, with the length of its header */
	__u16 pad;
};

/* As long as the script; set before the map is created. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct step);
} script SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} program_under_test SEC(".maps");

volatile const __u32 script_length = 1;
volatile const __u8 balancer_mac[8] __attribute__((aligned(8))) = {}; /* six, and two of zero */
volatile const __u8 router_mac[8] __attribute__((aligned(8))) = {}; /* six, and two of zero */

/* The next step of the script. */
__u32 next_step = 0;

/* Where the fields stand in a frame of Ethernet, IPv4 without options and TCP. */
enum offsets {
	MACS = 0, /* destination, source */
	ADDRESSES = ETH_HLEN + offsetof(struct iphdr, saddr),
	PORTS = ETH_HLEN + sizeof(struct iphdr),
	FLAGS = PORTS + 12,
	FRAME = PORTS + sizeof(struct tcphdr),
};

/*
 * Writes in words at least as wide as any that a program may read: a CPU stalls when it reads in one piece what was
 * just written in several, and a real packet was not. Hence plain offsets: through the packed headers the compiler
 * would write byte by byte.
 */
static __always_inline void set(void *frame, const struct step *step)
{
	__u64 to = *(const volatile __u64 *)balancer_mac, from = *(const volatile __u64 *)router_mac;

	*(__u64 *)(frame + MACS) = to | from << 48;
	*(__u32 *)(frame + MACS + 8) = from >> 16;
	*(__u64 *)(frame + ADDRESSES) = *(const __u64 *)&step->addresses;
	*(__u32 *)(frame + PORTS) = *(const __u32 *)&step->ports;
	*(__u16 *)(frame + FLAGS) = step->flags;
}

SEC("xdp")
int xdp_play(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	__u32 at = next_step;
	const struct step *step = bpf_map_lookup_elem(&script, &at);

	if (!step || frame + FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	next_step = at + 1 == script_length ? 0 : at + 1;
	set(frame, step);
	bpf_tail_call(ctx, &program_under_test, 0);
	return XDP_ABORTED;
}

char __license[] SEC("license") = "Dual BSD/GPL";
