/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * The tables that the program and the control plane share. The Go types of package bpf are generated from these.
 *
 * Who writes what: the control plane writes services, schedules, reals, gates and vips; the program writes flows,
 * cursors and counters. Addresses and ports are in network byte order, all else in the host's.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "verdict.h"

enum limits {
	SERVICE_BUCKETS = 1024,
	SERVICES_PER_BUCKET = 8,
	SERVICES = SERVICE_BUCKETS * SERVICES_PER_BUCKET,
	REALS = 4096,
	GATES = 256,
	VIPS = 4096,
	SCHEDULE_LINES = 65536,
	REALS_PER_LINE = 32,
	FLOWS_PER_BUCKET = 4,
	JIFFIES_AHEAD = 1 << 16,
	/* To be raised when the meaning of a table changes: tables of another layout are not taken over. */
	LAYOUT = 1,
};

/* --- services ---------------------------------------------------------------------------------------------------- */

struct service_key {
	__be32 address;
	__be16 port;
	__u8 protocol; /* IPPROTO_TCP or IPPROTO_UDP */
	__u8 pad;
} __attribute__((aligned(8)));

/*
 * The index of the services: one cache line of keys, hashed by key. A key of all zeroes is free. A service's id is the
 * place of its key, bucket * SERVICES_PER_BUCKET + slot, so finding the key is finding the service.
 */
struct service_bucket {
	struct service_key key[SERVICES_PER_BUCKET];
};

struct service {
	/* Read and written as one word: a schedule is replaced by writing it elsewhere and then pointing here. */
	struct {
		__u32 line;  /* first line of the schedule */
		__u32 slots; /* its length in real servers; 0 when none takes new connections */
	} schedule __attribute__((aligned(8)));
	__u32 gate;
	__u32 pad;
};

/* A piece of a schedule: the ids of the real servers in the order in which they take new connections. */
struct schedule_line {
	__u16 real[REALS_PER_LINE];
};

enum real_state {
	REAL_ABSENT, /* no such real server, or no MAC address to send to */
	REAL_DOWN,   /* keeps its connections, takes no new ones, and loses those that are still opening */
	REAL_UP,
};

/* A real server in one service. Eight bytes, so that a change of MAC or state is one write. */
struct real {
	__u8 mac[6];
	__u16 state; /* enum real_state */
} __attribute__((aligned(8)));

/* --- gates ------------------------------------------------------------------------------------------------------- */

/*
 * The right to speak for a set of VIPs, one gate per VRRP instance; times in jiffies. Gate 0 is always open and serves
 * the services without VRRP.
 */
struct gate {
	__u64 open_until;    /* the lease: MASTER until then; 0 when it was taken back in good order */
	__u64 forward_until; /* the grace: packets that still arrive are forwarded until then */
};

#define GATE_ALWAYS 0

/* --- flows ------------------------------------------------------------------------------------------------------- */

/* In the order in which they are given up when a bucket is full. */
enum flow_state {
	FLOW_EMBRYONIC,	  /* SYN seen */
	FLOW_UDP,
	FLOW_CLOSING,	  /* FIN or RST seen */
	FLOW_ESTABLISHED, /* the client has acknowledged; never given up before it expires */
	FLOW_STATES,
};

/* All zeroes: a free slot. One aligned word, so that a reader never sees half a key. */
struct flow_key {
	__be32 client;
	__be16 port;
	__u16 service;
} __attribute__((aligned(8)));

/* Four connections in one cache line, shared by all CPUs. */
struct flow_bucket {
	struct flow_key key[FLOWS_PER_BUCKET];
	__u32 seen[FLOWS_PER_BUCKET]; /* jiffies of the last packet, the low half */
	__u16 real[FLOWS_PER_BUCKET];
	__u8 state[FLOWS_PER_BUCKET]; /* enum flow_state */
	struct bpf_spin_lock lock;    /* held to write a key, a real or a state */
};

/* --- counters ---------------------------------------------------------------------------------------------------- */

/* What passed a service or a real server. */
struct traffic {
	__u64 packets;
	__u64 bytes; /* frames, without the Ethernet trailer */
	__u64 connections;
};

/* --- the control plane's own notes, pinned with the tables so that a restarted daemon knows what it finds ------------ */

/* Who a real server id stands for. */
struct real_name {
	__be32 address;
	__be16 port;
	__u16 pad;
	struct service_key service;
};

/* Whose gate it is. */
struct gate_name {
	__u32 interface; /* index */
	__u32 virtual_router_id;
};

/* What must not change while the tables live. */
struct settings {
	__u64 flow_seed;
	__u64 layout; /* LAYOUT of the program that made the tables */
};

_Static_assert(sizeof(struct service_key) == 8, "a service key is one word");
_Static_assert(sizeof(struct service_bucket) == 64, "a service bucket is one cache line");
_Static_assert(sizeof(struct service) == 16, "service");
_Static_assert(sizeof(struct schedule_line) == 64, "a schedule line is one cache line");
_Static_assert(sizeof(struct real) == 8, "a real server is one word");
_Static_assert(sizeof(struct flow_key) == 8, "a flow key is one word");
_Static_assert(sizeof(struct flow_bucket) == 64, "a flow bucket is one cache line");

/* --- maps -------------------------------------------------------------------------------------------------------- */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVICE_BUCKETS);
	__uint(map_flags, BPF_F_MMAPABLE); /* page-aligned, so that a bucket is one cache line and not parts of two */
	__type(key, __u32);
	__type(value, struct service_bucket);
} service_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVICES);
	__type(key, __u32);
	__type(value, struct service);
} services SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SCHEDULE_LINES);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct schedule_line);
} schedules SEC(".maps");

/* Per service: how many connections the schedule has placed. Shared by all CPUs, so that turns are taken exactly. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVICES);
	__type(key, __u32);
	__type(value, __u64);
} cursors SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REALS);
	__type(key, __u32);
	__type(value, struct real);
} reals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATES);
	__type(key, __u32);
	__type(value, struct gate);
} gates SEC(".maps");

/* VIP -> gate, for ARP. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VIPS);
	__type(key, __be32);
	__type(value, __u32);
} vips SEC(".maps");

/* The size is set before the map is created. Page-aligned as above; a map with a spin lock is never mapped for real. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1 << 18);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_bucket);
} flows SEC(".maps");

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
	__uint(max_entries, VERDICTS);
	__type(key, __u32); /* enum verdict; as a type of its own the kernel takes it for no array's key */
	__type(value, __u64);
} verdicts SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, REALS);
	__type(key, __u32);
	__type(value, struct real_name);
} real_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATES);
	__type(key, __u32);
	__type(value, struct gate_name);
} gate_names SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct settings);
} settings SEC(".maps");

/* --- tunables, set before the program is loaded ------------------------------------------------------------------ */

/* The MAC address of the interface that the program is attached to; each interface has a program of its own. */
volatile const __u8 interface_mac[6] __attribute__((aligned(2))) = {};
/* Number of flow buckets less one; the number is a power of two. */
volatile const __u32 flow_mask = 0;
/* Makes the buckets of the flow table unpredictable from outside. */
volatile const __u64 flow_seed = 0;
/* Per flow state: idle time in jiffies after which a slot may be taken over. */
volatile const __u32 flow_timeout[FLOW_STATES] = {};

/* No map mentions these types, so the compiler would drop them before bpf2go sees them. */
const enum verdict *type_verdict __attribute__((unused));
const enum flow_state *type_flow_state __attribute__((unused));
const enum real_state *type_real_state __attribute__((unused));
const enum limits *type_limits __attribute__((unused));
