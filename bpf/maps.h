/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/* The tables that the program and the control plane share, and what is set before the program is loaded. */
#pragma once

#include "tables.h"

/* Page-aligned, so that a cache line of a table is one cache line and not parts of two. */
#define ALIGNED BPF_F_MMAPABLE

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVICE_BUCKETS);
	__uint(map_flags, ALIGNED);
	__type(key, __u32);
	__type(value, struct service_bucket);
} service_index SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVICES);
	__uint(map_flags, ALIGNED);
	__type(key, __u32);
	__type(value, struct service);
} services SEC(".maps");

/* The sizes of this and of all tables of real servers and flows are set before they are created. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, ALIGNED);
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
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct real);
} reals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct real_terms);
} real_terms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct real_load);
} real_loads SEC(".maps");

/* Mapped into user space, which goes over all of it again and again. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, ALIGNED);
	__type(key, __u32);
	__type(value, struct handshakes);
} handshakes SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, struct port);
} ports SEC(".maps");

/* Port -> interface. */
struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, PORTS);
	__type(key, __u32);
	__type(value, __u32);
} port_interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, GATES);
	__type(key, __u32);
	__type(value, struct gate);
} gates SEC(".maps");

/* For ARP and neighbor discovery, and for packets of no service. An IPv4 address is mapped into IPv6 (RFC 4291, 2.5.5.2). */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, VIPS);
	__type(key, struct in6_addr);
	__type(value, struct vip);
} vips SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct probe_space);
} probe_space SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, PEERS);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct peer);
	__type(value, __u32); /* always 1 */
} peers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, ALIGNED);
	__type(key, __u32);
	__type(value, struct flow_set);
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, ALIGNED);
	__type(key, __u32);
	__type(value, struct flow6_set);
} flows6 SEC(".maps");

/* The tables that flows and flows6 take the place of, while the connections move over. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, ALIGNED);
	__type(key, __u32);
	__type(value, struct flow_set);
} old_flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, ALIGNED);
	__type(key, __u32);
	__type(value, struct flow6_set);
} old_flows6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FLOW_LOCKS);
	__type(key, __u32);
	__type(value, struct flow_lock);
} flow_locks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, FRAGMENTS);
	__type(key, struct fragment_key);
	__type(value, struct fragment);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STRAYS);
	__type(key, __u32);
	__type(value, struct stray);
} strays SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct traffic);
} real_traffic SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, VERDICTS);
	__type(key, __u32); /* enum verdict; as a type of its own the kernel takes it for no array's key */
	__type(value, __u64);
} verdicts SEC(".maps");

/* Flows that gave up their place, by the state that they were in. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, FLOW_STATES);
	__type(key, __u32); /* enum flow_state */
	__type(value, __u64);
} displaced SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct real_name);
} real_names SEC(".maps");

/* What passed a service by way of real servers that have left it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SERVICES);
	__type(key, __u32);
	__type(value, struct traffic);
} past_traffic SEC(".maps");

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

/* The interface that the program is attached to; each has a program of its own. */
volatile const __u8 interface_mac[8] __attribute__((aligned(8))) = {}; /* six, and two of zero */
/* The virtual routers whose MAC addresses it has, too (RFC 9568, 7.3): a bit for each id of IPv4, then of IPv6. */
volatile const __u64 virtual_routers[VIRTUAL_ROUTERS / 64] = {};
volatile const __u32 interface_mtu = 0;
volatile const __u8 interface_port = 0;
/* Makes the places in the flow tables unpredictable from outside. */
volatile const __u64 flow_seed = 0;
/* Number of sets in flows and flows6, and in the tables that they replace: 0 when they replace none. */
volatile const __u32 flow_sets = 1;
volatile const __u32 flow6_sets = 1;
volatile const __u32 old_flow_sets = 0;
volatile const __u32 old_flow6_sets = 0;
