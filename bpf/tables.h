/* SPDX-License-Identifier: GPL-2.0 OR BSD-3-Clause */
/*
 * What is in the tables that the program and the control plane share; the tables themselves are in maps.h. The Go types
 * of package bpf are generated from these.
 *
 * Who writes what: the control plane writes services, schedules, reals, real_terms, ports, gates, vips, probe_space and
 * peers; the program writes flows, loads, handshakes, cursors, fragments, strays and counters. Addresses and ports are in
 * network byte order, all else in the host's.
 */
#pragma once

#include <linux/bpf.h>
#include <linux/in6.h>
#include <linux/types.h>
#include <bpf/bpf_helpers.h>

#include "verdict.h"

enum limits {
	SERVICE_BUCKETS = 4096,
	SERVICES_PER_BUCKET = 7,
	IDS_PER_BUCKET = 8, /* of services; the last is not given, so that a bucket's ids begin at a power of two */
	SERVICES = SERVICE_BUCKETS * IDS_PER_BUCKET,
	GATES = 256,
	VIPS = 65536,
	PORTS = 64,
	PEERS = 65536,
	REALS_PER_LINE = 16,
	MOST_REALS = 1 << 24, /* that a flow can name */
	SCAN_LINES = 64,      /* of a schedule that is searched for the least loaded real server */
	FLOWS_PER_LINE = 4,
	FLOWS_PER_SET = 16,
	FLOW_LOCKS = 1024,
	FRAGMENTS = 8192,
	STRAYS = 65536,
	SWEEP_SETS = 128, /* at most, in one run of the program of that name */
	JIFFIES_AHEAD = 1 << 16,
	VIRTUAL_ROUTERS = 2 * 256, /* of IPv4 and of IPv6 */
	/* To be raised when the meaning of a table changes: tables of another layout are not taken over. */
	LAYOUT = 5,
};

/* --- services ---------------------------------------------------------------------------------------------------- */

enum family {
	IPV4 = 4,
	IPV6 = 6,
} __attribute__((packed)); /* one byte in a table, and bpftool prints the name */

struct service_key {
	__be32 address; /* IPv6: folded, see fold_address; the service has the whole */
	__be16 port;	/* 0: all ports */
	__u8 protocol;	/* IPPROTO_TCP or IPPROTO_UDP */
	enum family family;
} __attribute__((aligned(8)));

/* Of the services of a bucket: what the express lane asks of one, so that it need not read it. */
struct bucket_terms {
	__u8 gate[SERVICES_PER_BUCKET]; /* as in struct service */
	__u8 has_local;			/* a bit for each: HAS_LOCAL */
} __attribute__((aligned(8)));

/*
 * The index of the services: one cache line of keys, hashed by key. A key of all zeroes is free. A service's id is the
 * place of its key, bucket * IDS_PER_BUCKET + slot, so finding the key is finding the service. The terms come first: a
 * bucket is written from its beginning, and whoever sees a new key sees its terms.
 */
struct service_bucket {
	struct bucket_terms terms;
	struct service_key key[SERVICES_PER_BUCKET];
};

/* How the real server of a new connection is found in the schedule. IPVS's names are in brackets. */
enum scheduler {
	BY_TURNS,    /* each entry in its turn (rr, wrr) */
	BY_HASH,     /* the entry that the client hashes to (sh, mh; dh has one entry) */
	BY_TWO,	     /* the less loaded of two entries drawn by chance (twos) */
	LEAST_CONNECTIONS, /* the entry with the least connections (lc) */
	LEAST_WEIGHTED,	   /* the least connections for its weight (wlc) */
	LEAST_DELAY,	   /* the least delay for one more connection (sed) */
	NEVER_QUEUE,	   /* one without connections, else as LEAST_DELAY (nq) */
	FIRST,	     /* the first entry (fo) */
	OVERFLOW,    /* the first entry with fewer active connections than its weight (ovf) */
} __attribute__((packed));

enum service_flags {
	HASH_PORT = 1,	/* BY_HASH: of the client's address and port, not of the address alone (sh-port, mh-port) */
	FALLBACK = 2,	/* BY_HASH: go on to another entry when the real server takes none (sh-fallback, mh-fallback) */
	ONE_PACKET = 4, /* each datagram is a connection of its own (ops) */
	HAS_LOCAL = 8,	/* this host is one of the real servers */
} __attribute__((packed));

/* One cache line. */
struct service {
	/* Read and written as one word: a schedule is replaced by writing it elsewhere and then pointing here. */
	struct {
		__u32 line;  /* first line of the schedule */
		__u32 slots; /* its length in real servers; 0 when none takes new connections */
	} schedule __attribute__((aligned(8)));
	__u32 gate;
	enum scheduler scheduler;
	enum service_flags flags; /* several, added up */
	__u16 pad;
	__u32 persistence; /* jiffies that a client is remembered after its last connection; 0: not at all */
	__u32 pad2;
	struct in6_addr client_mask; /* of the clients that count as one; IPv4 in the first word */
	struct in6_addr address;     /* of an IPv6 service */
	__u64 pad3;
};

/* A piece of a schedule: the ids of real servers. */
struct schedule_line {
	__u32 real[REALS_PER_LINE];
};

enum real_state {
	REAL_ABSENT, /* no such real server, or no MAC address to send to */
	REAL_DOWN,   /* keeps its connections, takes no new ones, and loses those that are still opening */
	REAL_UP,
} __attribute__((packed));

/* A real server in one service. Eight bytes, so that a change of MAC, state or interface is one write. */
struct real {
	__u8 mac[6];
	enum real_state state;
	__u8 port;  /* of the table ports, or PORT_LOCAL */
} __attribute__((aligned(8)));

/* The real server is this host. */
#define PORT_LOCAL 255

/* What a real server is worth, and what it bears. */
struct real_terms {
	__u32 upper; /* connections from which on it takes no new ones; 0: no limit (uthreshold) */
	__u32 lower; /* connections below which it takes new ones again (lthreshold) */
	__u16 weight;
	__u16 pad;
};

/* What a real server has to do. */
struct real_load {
	__u32 active;	  /* connections that open or are established */
	__u32 inactive;	  /* those that close, and UDP */
	__u64 answered;	  /* jiffies: the latest SYN whose client has completed the handshake */
	__u32 overloaded; /* the real_terms.upper that was reached, if it has not come below .lower since; else 0 */
	__u32 pad;
};

/*
 * How the handshakes with a real server go. The numbers wrap around. The control plane reads them several times a second
 * and compares the real servers of a service: one whose clients never go on is suspected.
 */
struct handshakes {
	__u32 opened;	  /* TCP connections that it was given, rescheduled ones included */
	__u32 unanswered; /* since one was completed last */
	__u32 completed;  /* of those opened: whose client has gone on */
	__u32 waited;	  /* jiffies from the SYN until the client went on, all completed ones together */
} __attribute__((aligned(8)));

/* An interface that real servers are behind. */
struct port {
	__u8 mac[6];
	__u16 pad;
	__u32 mtu;
};

/* --- gates ------------------------------------------------------------------------------------------------------- */

/*
 * The right to speak for a set of VIPs, one gate per VRRP instance; times in jiffies. Gate 0 is always open and serves
 * the services without VRRP.
 */
struct gate {
	__u64 open_until;    /* the lease: MASTER until then; 0 when it was taken back in good order */
	__u64 forward_until; /* the grace: packets that still arrive are forwarded until then */
};

/* What holds for a VIP. */
struct vip {
	__u32 gate;
	__u32 refuses; /* 1: the kernel gets no packets for it that no service takes (RFC 9568, 6.1: Accept_Mode) */
};

/* Where answers to probes through a VIP go. All zeroes: there are no probes. */
struct probe_space {
	__u16 first_port, last_port; /* that probes come from, or their ids of ICMP; in the host's byte order */
	__u8 mac[6];		     /* of the macvlans */
	__u16 pad;
};

/* A balancer that may send this host, as a real server of the service, packets for the VIP. */
struct peer {
	__u8 mac[6];
	__u16 service; /* id */
} __attribute__((aligned(8)));

/* --- flows ------------------------------------------------------------------------------------------------------- */

/* In the order in which they are given up when a set is full. */
enum flow_state {
	FLOW_EXPIRED,	  /* idle for too long: counts no more, but found again as long as nobody takes its place */
	FLOW_EMBRYONIC,	  /* SYN seen */
	FLOW_CLIENT_NEW,  /* a persistent client none of whose connections is established yet */
	FLOW_RESUMED,	  /* came without SYN and went on; established if it still goes on later */
	FLOW_UDP,
	FLOW_RESET,	  /* RST seen */
	FLOW_CLOSING,	  /* FIN seen */
	FLOW_CLIENT,	  /* a persistent client: not a connection, but where the next one goes */
	FLOW_ESTABLISHED, /* the client has acknowledged; never given up before it expires */
	FLOW_STATES,
	TIMEOUTS = 16, /* a power of two */
};

/* All zeroes: a free slot. One aligned word, so that a reader never sees half a key. */
struct flow_key {
	__be32 client; /* IPv6: folded with the seed, see fold_address */
	__be16 port;   /* 0: a persistent client */
	__u16 service; /* its topmost bit: SHARED_KEY */
} __attribute__((aligned(8)));

struct flow {
	struct flow_key key;
	__u32 seen;	 /* jiffies of the last packet, the low half, up to SEEN_TICK behind; of an embryonic flow: of the first */
	__u32 real : 24;
	__u32 state : 8; /* enum flow_state */
};

/* Sixteen connections, four to a cache line, shared by all CPUs. */
struct flow_set {
	struct flow flow[FLOWS_PER_SET];
};

/* The addresses stand apart, so that a packet whose key is found touches as few cache lines as one of IPv4. */
struct flow6_set {
	struct flow flow[FLOWS_PER_SET];
	struct in6_addr client[FLOWS_PER_SET];
};

/* Held to write a flow; which one follows from the number of its set. Each has a cache line to itself. */
struct flow_lock {
	struct bpf_spin_lock lock;
	__u32 pad;
	/* For who holds the lock: in a map the verifier does not follow every value. */
	__u32 held, vacant; /* slots */
	__u32 shared;	    /* whether another client has the key, too */
	__u32 pad2[11];
};

/* --- fragments and strays ---------------------------------------------------------------------------------------- */

/* A datagram (RFC 791, RFC 8200). */
struct fragment_key {
	struct in6_addr from, to; /* IPv4 in the first word */
	__be32 id;
	__u8 protocol; /* IPv4 only: a later fragment of IPv6 need not name the one that its first one ends with */
	enum family family;
	__u8 pad[2];
};

/* Where its first fragment went. */
struct fragment {
	__u32 service;
	__u32 real;
	__u64 seen; /* jiffies */
};

/* A segment of no known connection: its connection may be worth a place in the table when it goes on. */
struct stray {
	__u32 tag;
	__u32 since; /* jiffies, the low half */
} __attribute__((aligned(8)));

/* --- counters ---------------------------------------------------------------------------------------------------- */

/* What passed a real server. */
struct traffic {
	__u64 packets;
	__u64 bytes; /* frames, without the Ethernet trailer */
	__u64 connections;
};

/* --- the control plane's own notes, pinned with the tables so that a restarted daemon knows what it finds ------------ */

/* Who a real server id stands for. */
struct real_name {
	struct in6_addr address; /* IPv4 in the first word */
	__be16 port;
	__u16 pad;
	__u32 service; /* id, plus 1; 0: the id is free */
};

/* Whose gate it is. */
struct gate_name {
	__u32 interface; /* index */
	__u32 virtual_router_id;
};

struct settings {
	__u64 flow_seed; /* as long as the tables live */
	__u64 layout;	 /* LAYOUT of the program that made the tables */
	/* By enum flow_state: jiffies of idleness until a flow expires. 0 of persistent clients: the service has theirs. */
	__u32 timeout[TIMEOUTS];
	__u32 hz;	 /* jiffies per second */
};

_Static_assert(sizeof(struct service_key) == 8, "a service key is one word");
_Static_assert(sizeof(struct service_bucket) == 64, "a service bucket is one cache line");
_Static_assert(sizeof(struct service) == 64, "a service is one cache line");
_Static_assert(sizeof(struct schedule_line) == 64, "a schedule line is one cache line");
_Static_assert(sizeof(struct real) == 8, "a real server is one word");
_Static_assert(sizeof(struct handshakes) == 16, "four real servers' handshakes are one cache line");
_Static_assert(sizeof(struct flow_key) == 8, "a flow key is one word");
_Static_assert(sizeof(struct flow) == 16, "four flows are one cache line");
_Static_assert(sizeof(struct flow6_set) == 32 * FLOWS_PER_SET, "a flow of IPv6 takes 32 bytes");
_Static_assert(sizeof(struct flow_lock) == 64, "a lock is one cache line");

/* No map mentions these types, so the compiler would drop them before bpf2go sees them. */
const enum verdict *type_verdict __attribute__((unused));
const enum flow_state *type_flow_state __attribute__((unused));
const enum real_state *type_real_state __attribute__((unused));
const enum scheduler *type_scheduler __attribute__((unused));
const enum service_flags *type_service_flags __attribute__((unused));
const enum family *type_family __attribute__((unused));
const enum limits *type_limits __attribute__((unused));
