// Package dataplane loads Drover's XDP program, attaches it to interfaces and gives its maps a typed face.
//
// One [DataPlane] owns every BPF object. The maps and links are pinned, by default under /sys/fs/bpf/drover, and outlive
// the process: [Open] takes over what an earlier process left. [DataPlane.Tables] reads what the maps hold,
// [DataPlane.Apply] makes them hold something else and touches only what differs.
//
// Kernel 5.15 or newer (BPF_PROG_TYPE_SYSCALL, bpf_link for XDP), amd64 or arm64, CAP_BPF and CAP_NET_ADMIN.
package dataplane
