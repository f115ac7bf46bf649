//go:build ignore

// SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause
/*
 * Drover's data plane: packets for a virtual IP get the MAC address of a real server and go back out of the interface
 * they came from, or of another one that the real server is behind. The real server holds the virtual IP too and answers
 * the client itself.
 *
 * One idea to a header. Most packets take the express lane (express.h): usual.h reads them, service.h finds the service,
 * gate.h says whether this node may speak, flow.h finds the connection, deliver.h sends them off. The others go the whole
 * way (balance.h): parse.h and parseany.h read them, fragment.h has fragments follow, and settle.h decides. A connection
 * that is there goes on as follow.h says, a new one where schedule.h or persistence.h sends it, and stray.h gives those
 * that nobody knows a chance; bind.h writes it all down, and real.h counts. probe.h has health checks reach a real server by
 * its VIP. move.h and sweep.h keep the tables in order.
 */
#include "express.h"
#include "balance.h"
#include "sweep.h"

SEC("xdp")
int drover(struct xdp_md *ctx)
{
	return express_lane(ctx) ? XDP_TX : whole_way(ctx);
}

/* On what the control plane's health checks send through a VIP; see probe.h. */
SEC("tc")
int probe(struct __sk_buff *skb)
{
	return send_probe(skb);
}

/* Run by the control plane; see sweep.h. */
SEC("xdp")
int sweep(struct xdp_md *ctx)
{
	return sweep_sets(ctx);
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
