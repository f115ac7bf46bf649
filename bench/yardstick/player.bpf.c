//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Plays a script of packets to the program under test.
 *
 * BPF_PROG_TEST_RUN repeats a program over one buffer and never restores it, so a balancer would be measured on its own
 * output from the second repeat on. These programs make the buffer the next packet of the script. Then
 *
 *   xdp_play jumps to the program under test,
 *   xdp_flood does so too, plays packets of strangers in between, and writes down where the packets of the script went,
 *   xdp_send sends the packet out of the interface, to whatever is at the other end of the cable.
 *
 * TCP checksums are not kept right: nobody looks at them.
 */
#include "packet.h"

/* A packet, as far as it differs from the others, the way it stands in the frame. */
struct step {
	__be32 client; /* IPv6: the last four bytes of the address */
	__be16 port;
	__be16 flags; /* of TCP, with the length of its header */
} __attribute__((aligned(8)));

/* As long as the script; set before the map is created. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct step);
} script SEC(".maps");

/* The start of the frame that the program under test made of each step: where it went. As long as the script. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} outcome SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} program_under_test SEC(".maps");

volatile const __u32 script_length = 1;
volatile const __u8 balancer_mac[8] __attribute__((aligned(8))) = {}; /* six, and two of zero */
volatile const __u8 router_mac[8] __attribute__((aligned(8))) = {}; /* six, and two of zero */

/* The shape of the frames. */
volatile const __u32 tag_bytes = 0; /* of VLAN tags */
volatile const bool ipv6 = false;
volatile const __be32 vip = 0; /* IPv4 only */
volatile const __be16 vip_port = 0;
volatile const __u64 client_prefix = 0; /* IPv6 only: the first half of every client's address */
volatile const __u32 header_sum = 0; /* IPv4 only: of the header's words, but for the client and the checksum */

/* The next step of the script. */
__u32 next_step = 0;

/* For xdp_flood: one packet in so many is the script's. */
__u32 script_every = 1;
/* The flags of the strangers' packets, as in a step. */
__be16 stranger_flags = 0;
/* The state of the generator of strangers; not zero. */
__u64 stranger_state = 1;
/* Packets played. */
__u32 turn = 0;
/* The step that was played last, plus 1; 0 when it was a stranger's packet. */
__u32 last_step = 0;

static __always_inline void *frame_of(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	__u32 size = ETH_HLEN + tag_bytes + (ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr)) + sizeof(struct tcphdr);

	return frame + size > (void *)(long)ctx->data_end ? NULL : frame;
}

/*
 * Writes in words at least as wide as any that a program may read: a CPU stalls when it reads in one piece what was
 * just written in several, and a real packet was not. Hence plain offsets: through the packed headers the compiler
 * would write byte by byte.
 */
static __always_inline void set(void *frame, struct step step)
{
	__u64 to = *(const volatile __u64 *)balancer_mac, from = *(const volatile __u64 *)router_mac;
	void *ip = frame + ETH_HLEN + tag_bytes, *tcp;

	*(__u64 *)frame = to | from << 48;
	*(__u32 *)(frame + 8) = from >> 16;
	if (ipv6) {
		*(__u64 *)(ip + offsetof(struct ipv6hdr, saddr)) = client_prefix;
		*(__u64 *)(ip + offsetof(struct ipv6hdr, saddr) + 8) = (__u64)step.client << 32;
		tcp = ip + sizeof(struct ipv6hdr);
	} else {
		*(__u64 *)(ip + offsetof(struct iphdr, saddr)) = step.client | (__u64)vip << 32;
		tcp = ip + sizeof(struct iphdr);
	}
	*(__u32 *)tcp = step.port | (__u32)vip_port << 16;
	*(__u16 *)(tcp + 12) = step.flags;
}

/* A stack, unlike a balancer, looks at the checksum of the IPv4 header. */
static __always_inline void set_checksum(void *frame, struct step step)
{
	__u32 sum = header_sum + (step.client & 0xffff) + (step.client >> 16);

	if (ipv6)
		return;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	*(__u16 *)(frame + ETH_HLEN + tag_bytes + offsetof(struct iphdr, check)) = ~sum;
}

/* Takes the next step; its number goes to at. */
static __always_inline const struct step *take_step(__u32 *at)
{
	*at = next_step;
	next_step = *at + 1 == script_length ? 0 : *at + 1;
	return bpf_map_lookup_elem(&script, at);
}

SEC("xdp")
int xdp_play(struct xdp_md *ctx)
{
	void *frame = frame_of(ctx);
	const struct step *step;
	__u32 at;

	step = take_step(&at);
	if (!step || !frame)
		return XDP_ABORTED;
	set(frame, *step);
	bpf_tail_call(ctx, &program_under_test, 0);
	return XDP_ABORTED;
}

SEC("xdp")
int xdp_send(struct xdp_md *ctx)
{
	void *frame = frame_of(ctx);
	const struct step *step;
	__u32 at;

	step = take_step(&at);
	if (!step || !frame)
		return XDP_ABORTED;
	set(frame, *step);
	set_checksum(frame, *step);
	return XDP_TX;
}

/* A packet from anywhere in 10.0.0.0/8, which no client of a script is in; xorshift64*. */
static __always_inline struct step stranger(void)
{
	__u64 x = stranger_state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	stranger_state = x;
	x *= 0x2545f4914f6cdd1dULL;
	return (struct step){ .client = bpf_htonl(10 << 24) | (__u32)(x >> 32 & 0xffffff) << 8, .port = x >> 16,
			      .flags = stranger_flags };
}

/* What was made of the last packet is still in the frame. */
static __always_inline void note_outcome(const void *frame)
{
	__u32 at = last_step - 1;
	__u64 *head;

	if (!last_step)
		return;
	head = bpf_map_lookup_elem(&outcome, &at);
	if (head)
		*head = *(const __u64 *)frame;
}

SEC("xdp")
int xdp_flood(struct xdp_md *ctx)
{
	void *frame = frame_of(ctx);
	const struct step *step;
	__u32 at;

	if (!frame)
		return XDP_ABORTED;
	note_outcome(frame);
	last_step = 0;
	if (turn++ % script_every) {
		set(frame, stranger());
	} else {
		step = take_step(&at);
		if (!step)
			return XDP_ABORTED;
		last_step = at + 1;
		set(frame, *step);
	}
	bpf_tail_call(ctx, &program_under_test, 0);
	return XDP_ABORTED;
}

char __license[] SEC("license") = "Dual BSD/GPL";
