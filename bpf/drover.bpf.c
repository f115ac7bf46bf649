//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Drover's data plane: packets for a virtual IP get the MAC address of a real server and go back out of the interface
 * they came from. The real server holds the virtual IP too and answers the client itself.
 */
#include "tables.h"
#include "parse.h"
#include "service.h"
#include "flow.h"
#include "gate.h"
#include "count.h"

/* A real server for the packet, and how it was come by. */
struct choice {
	__u32 id; /* NO_REAL when nobody takes the packet */
	struct real real;
	enum verdict verdict;
};

static __always_inline struct choice chosen(__u32 id, enum verdict verdict)
{
	return (struct choice){ .id = id, .real = get_real(id), .verdict = verdict };
}

/* Whether the packet goes where its flow says. */
static __always_inline bool stays(const struct packet *pkt, struct flow flow, __u16 real_state, __u32 now)
{
	if (!flow.found || real_state == REAL_ABSENT)
		return false;
	if (pkt->opens && real_state == REAL_DOWN)
		return false;
	if (!pkt->opens)
		return true;
	/* A SYN sent again stays. One after the end is the client using its port for a new connection; so is a datagram
	 * after a long silence. */
	return flow.state != FLOW_CLOSING && !flow_expired(flow.state, flow.seen, now);
}

/* Places a connection that opens now. */
static __always_inline struct choice place(const struct packet *pkt, __u32 id, const struct service *service,
					   struct flow_bucket *bucket, __u64 key, struct flow old, __u32 now)
{
	__u32 real = next_real(id, service);
	struct flow flow = { .real = real, .state = pkt->syn ? FLOW_EMBRYONIC : FLOW_UDP, .seen = now };
	struct binding bound;

	if (real == NO_REAL)
		return chosen(NO_REAL, PASS_NO_REAL);
	bound = bind_flow(bucket, key, old, flow);
	if (bound.real == NO_REAL)
		return chosen(hashed_real(pkt, service), FORWARD_UNTRACKED);
	return chosen(bound.real, bound.ours ? FORWARD_NEW : FORWARD_FLOW);
}

/* Finds the real server of the packet: by its flow, else by the schedule if it opens one, else by the hash. */
static __always_inline struct choice choose(const struct packet *pkt, __u32 id, const struct service *service,
					    __u32 now)
{
	__u64 key = flow_key(pkt, id);
	struct flow_bucket *bucket = flow_bucket(key);
	struct choice choice;
	struct flow flow;
	struct real real;

	if (!bucket)
		return chosen(NO_REAL, PASS_NO_REAL);
	flow = find_flow(bucket, key);
	real = get_real(flow.real);
	if (stays(pkt, flow, real.state, now)) {
		follow_flow(bucket, key, flow, pkt, now);
		return (struct choice){ .id = flow.real, .real = real, .verdict = FORWARD_FLOW };
	}
	if (!pkt->opens)
		return chosen(hashed_real(pkt, service), FORWARD_UNTRACKED);

	choice = place(pkt, id, service, bucket, key, flow, now);
	if (flow.found && real.state != REAL_UP && choice.verdict == FORWARD_NEW)
		choice.verdict = FORWARD_RESCHEDULED;
	return choice;
}

/* The IP header stays as it is: the real server must see what the client sent. */
static __always_inline void rewrite(struct ethhdr *eth, struct real real)
{
	write_mac(eth->h_dest, real.mac);
	write_mac(eth->h_source, interface_mac);
}

static __always_inline int balance(struct packet *pkt, __u64 now)
{
	__u32 id = find_service(pkt->to);
	enum gate_position gate;
	struct service *service;
	struct choice choice;

	if (id == NO_SERVICE)
		return pass(PASS_NO_SERVICE);
	service = bpf_map_lookup_elem(&services, &id);
	if (!service)
		return pass(PASS_NO_SERVICE);
	gate = gate_position(service->gate, now);
	if (gate == GATE_CLOSED)
		return pass(PASS_CLOSED);

	choice = choose(pkt, id, service, now);
	if (choice.real.state == REAL_ABSENT)
		return pass(PASS_NO_REAL);

	rewrite(pkt->eth, choice.real);
	return forward(gate == GATE_OPEN ? choice.verdict : FORWARD_GRACE, pkt, id, choice.id,
		       choice.verdict == FORWARD_NEW || choice.verdict == FORWARD_RESCHEDULED);
}

SEC("xdp")
int drover(struct xdp_md *ctx)
{
	struct cursor at = frame_cursor(ctx);
	struct packet pkt = { .bytes = at.end - at.pos };
	__u64 now = bpf_jiffies64();
	enum verdict verdict;

	pkt.eth = take(&at, sizeof(*pkt.eth));
	if (!pkt.eth)
		return pass(PASS_MALFORMED);
	if (pkt.eth->h_proto == bpf_htons(ETH_P_ARP))
		return pass(arp_verdict(&at, now));
	if (pkt.eth->h_proto != bpf_htons(ETH_P_IP))
		return pass(PASS_NOT_IPV4);
	if (!for_interface(pkt.eth))
		return pass(PASS_OTHER_HOST);
	verdict = parse_ipv4(&at, &pkt);
	if (verdict != UNDECIDED)
		return pass(verdict);
	return balance(&pkt, now);
}

/* The kernel's two clocks at one instant. Gates and flows count in jiffies, which user space cannot read. */
struct clock {
	__u64 jiffies;
	__u64 nanoseconds; /* CLOCK_MONOTONIC */
};

SEC("syscall")
int read_clock(struct clock *clock)
{
	clock->jiffies = bpf_jiffies64();
	clock->nanoseconds = bpf_ktime_get_ns();
	return 0;
}

char __license[] SEC("license") = "Dual BSD/GPL";
