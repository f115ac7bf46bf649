// Package bpf holds Drover's XDP program in C and its Go bindings, which bpf2go generates. Only package dataplane and
// the benchmarks use it.
//
// Start reading at drover.bpf.c; maps.h has the maps, tables.h the types of their keys and values.
package bpf

//go:generate go tool bpf2go -cc clang-19 -target bpfel -tags linux -type verdict -type limits -type family -type scheduler -type service_flags -type real_state -type flow_state -type sweep_work -type sweep_order -type service_key -type flow_key -type flow -type flow6_set -type clock Drover drover.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
