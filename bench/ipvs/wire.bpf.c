//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * What is on the wire around a balancer: the client side that sends, the real servers that receive, and a balancer
 * that is none, which shows what the wire itself costs.
 *
 * Every balancer has a cable (a veth pair) of its own. The sender puts frames on the near end of it; what the balancer
 * sends back arrives at the near end and is counted there.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/tcp.h>
#include <stddef.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* Counters of the receiver: one per real server, and one for what is addressed to none of them. */
enum counter {
	REALS = 4,
	STRAY = REALS,
	COUNTERS,
};

/* A packet, as far as it differs from the others, the way it stands in the frame. */
struct step {
	struct {
		__be32 client;
		__be32 vip;
	} addresses __attribute__((aligned(8)));
	struct {
		__u8 ttl;
		__u8 protocol;
		__u16 checksum; /* of the IP header: IPVS drops a packet in which it is wrong */
	} middle __attribute__((aligned(4)));
	struct {
		__be16 client;
		__be16 vip;
	} ports __attribute__((aligned(4)));
	__be16 flags; /* of TCP, with the length of its header */
	__u16 pad[3];
};

/* A MAC address in a word: six bytes, and two of zero. */
struct mac {
	__u8 bytes[8];
} __attribute__((aligned(8)));

/* As long as the script; set before the map is created. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct step);
} script SEC(".maps");

/* Not per CPU: this machine has one. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTERS);
	__type(key, __u32);
	__type(value, __u64);
} received SEC(".maps");

volatile const struct mac client_mac = {};
volatile const struct mac balancer_mac = {};
/* Of the first real server; the others count up from its last byte. */
volatile const struct mac real_mac = {};

/* The part of the script that is played, over and over, and where the sender is. */
__u32 first_step = 0;
__u32 end_step = 0;
__u32 next_step = 0;
/* The near end of the cable to the balancer whose turn it is. */
__u32 cable = 0;

/* Where the fields stand in a frame of Ethernet, IPv4 without options and TCP. */
enum offsets {
	ADDRESSES = ETH_HLEN + offsetof(struct iphdr, saddr),
	MIDDLE = ETH_HLEN + offsetof(struct iphdr, ttl),
	PORTS = ETH_HLEN + sizeof(struct iphdr),
	FLAGS = PORTS + 12,
	FRAME = PORTS + sizeof(struct tcphdr),
};

static __always_inline __u64 word(const volatile struct mac *mac)
{
	return *(const volatile __u64 *)mac;
}

static __always_inline void address(void *frame, __u64 to, __u64 from)
{
	*(__u64 *)frame = to | from << 48;
	*(__u32 *)(frame + 8) = from >> 16;
}

/* Sends the next packet of the script. A frame comes back here with what the balancer made of it, so all that a
 * balancer may change is written: the MAC addresses, and the TTL, which IPVS counts down. */
SEC("xdp")
int send(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	__u32 at = next_step;
	const struct step *step = bpf_map_lookup_elem(&script, &at);

	if (!step || frame + FRAME > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	next_step = at + 1 == end_step ? first_step : at + 1;
	address(frame, word(&balancer_mac), word(&client_mac));
	*(__u32 *)(frame + MIDDLE) = *(const __u32 *)&step->middle;
	*(__u64 *)(frame + ADDRESSES) = *(const __u64 *)&step->addresses;
	*(__u32 *)(frame + PORTS) = *(const __u32 *)&step->ports;
	*(__u16 *)(frame + FLAGS) = step->flags;
	return bpf_redirect(cable, 0);
}

/* Counts a packet for the real server that it is addressed to. */
SEC("xdp")
int receive(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	const struct ethhdr *eth = frame;
	__u32 counter = STRAY;
	__u64 to, *count;

	if (frame + FRAME > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_DROP; /* the kernel's own talk, of which there is some on every new cable */
	to = *(__u64 *)frame << 16 >> 16;
	/* The bytes of a MAC address are a number whose sixth byte is the highest here. */
	to -= word(&real_mac);
	if (to << 24 == 0 && to >> 40 < REALS)
		counter = to >> 40;
	count = bpf_map_lookup_elem(&received, &counter);
	if (count)
		(*count)++;
	return XDP_DROP;
}

/* The balancer that is none: every packet to the first real server. */
SEC("xdp")
int bounce(struct xdp_md *ctx)
{
	void *frame = (void *)(long)ctx->data;
	const struct ethhdr *eth = frame;

	if (frame + FRAME > (void *)(long)ctx->data_end || eth->h_proto != bpf_htons(ETH_P_IP))
		return XDP_DROP;
	address(frame, word(&real_mac), word(&balancer_mac));
	return XDP_TX;
}

/* No map mentions the type, so the compiler would drop it before bpf2go sees it. */
const enum counter *type_counter __attribute__((unused));

char __license[] SEC("license") = "Dual BSD/GPL";
