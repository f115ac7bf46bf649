//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * A balancer as one would write it first: the kernel's hash map for the services, its LRU hash map for the connections,
 * per-CPU counters. It does Drover's work for IPv4 and no more: it leaves timeouts to the LRU and has no gate to look at.
 */
#include "packet.h"

enum limits {
	SERVICES = 4096,
	REALS = 4096,
	REALS_PER_SERVICE = 32,
};

/* How a packet found its real server; each counts once. */
enum outcome {
	KEPT,      /* by its connection */
	PLACED,    /* by round robin, and remembered */
	UNTRACKED, /* by round robin, and the table did not take it */
	OUTCOMES,
};

struct service_key {
	__be32 vip;
	__be16 port;
	__u8 protocol;
	__u8 pad;
};

struct service {
	__u32 id;
	__u32 cursor; /* connections placed so far */
	__u32 reals;
	__u32 real[REALS_PER_SERVICE];
};

struct connection {
	__be32 client;
	__be32 vip;
	__be16 client_port;
	__be16 vip_port;
	__u8 protocol;
	__u8 pad[3];
};

struct real {
	__u8 mac[6];
	__u8 pad[2];
} __attribute__((aligned(8)));

struct traffic {
	__u64 packets;
	__u64 bytes;
	__u64 connections;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, SERVICES);
	__type(key, struct service_key);
	__type(value, struct service);
} services SEC(".maps");

/* Connection -> real server. The size is set before the map is created. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1);
	__type(key, struct connection);
	__type(value, __u32);
} connections SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REALS);
	__type(key, __u32);
	__type(value, struct real);
} reals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, SERVICES);
	__type(key, __u32);
	__type(value, struct traffic);
} service_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, REALS);
	__type(key, __u32);
	__type(value, struct traffic);
} real_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, OUTCOMES);
	__type(key, __u32);
	__type(value, __u64);
} outcomes SEC(".maps");

volatile const __u8 interface_mac[6] __attribute__((aligned(8))) = {};

/* No map mentions this type, so the compiler would drop it before bpf2go sees it. */
const enum outcome *type_outcome __attribute__((unused));

static __always_inline void count_traffic(struct traffic *traffic, const struct packet *pkt, bool placed)
{
	if (!traffic)
		return;
	traffic->packets++;
	traffic->bytes += pkt->bytes;
	traffic->connections += placed;
}

static __always_inline void count(const struct packet *pkt, __u32 outcome, __u32 service, __u32 real)
{
	__u64 *packets = bpf_map_lookup_elem(&outcomes, &outcome);

	if (packets)
		(*packets)++;
	count_traffic(bpf_map_lookup_elem(&service_traffic, &service), pkt, outcome == PLACED);
	count_traffic(bpf_map_lookup_elem(&real_traffic, &real), pkt, outcome == PLACED);
}

/* Finds the real server of the packet's connection, or gives it one. */
static __always_inline enum outcome choose(const struct packet *pkt, struct service *service, __u32 *real)
{
	struct connection connection = {
		.client = pkt->client.word[0],
		.vip = pkt->vip.word[0],
		.client_port = pkt->client_port,
		.vip_port = pkt->vip_port,
		.protocol = pkt->protocol,
	};
	__u32 *known = bpf_map_lookup_elem(&connections, &connection);
	__u32 turn;

	if (known) {
		*real = *known;
		return KEPT;
	}
	turn = __sync_fetch_and_add(&service->cursor, 1) % service->reals;
	*real = service->real[turn % REALS_PER_SERVICE];
	return bpf_map_update_elem(&connections, &connection, real, BPF_ANY) ? UNTRACKED : PLACED;
}

SEC("xdp")
int xdp_textbook(struct xdp_md *ctx)
{
	struct service_key key = {};
	struct service *service;
	enum outcome outcome;
	struct packet pkt;
	struct real *real;
	__u32 id;

	if (!parse(ctx, &pkt) || pkt.ipv6)
		return XDP_PASS;
	key.vip = pkt.vip.word[0];
	key.port = pkt.vip_port;
	key.protocol = pkt.protocol;
	service = bpf_map_lookup_elem(&services, &key);
	if (!service || !service->reals)
		return XDP_PASS;
	outcome = choose(&pkt, service, &id);
	real = bpf_map_lookup_elem(&reals, &id);
	if (!real)
		return XDP_PASS;
	rewrite(pkt.eth, real->mac, interface_mac);
	count(&pkt, outcome, service->id, id);
	return XDP_TX;
}

char __license[] SEC("license") = "Dual BSD/GPL";
