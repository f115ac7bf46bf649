// Package yardstick holds the XDP programs that the benchmarks measure Drover beside, and those that play packets to all
// of them and take them in, with the Go bindings that bpf2go generates.
//
// They share no code with package bpf: a yardstick must not change with what it measures.
//
//   - player: gives the program under test one packet after another
//   - floor: the least that any balancer does; touch: the same and one cache line of a large table;
//     busy: touch with as many instructions as Drover has
//   - textbook: a whole balancer, built from the kernel's hash maps
//   - sink: the other end of the cable
package yardstick

//go:generate go tool bpf2go -cc clang-19 -target bpfel -tags linux -type xdp_md Player player.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
//go:generate go tool bpf2go -cc clang-19 -target bpfel -tags linux Floor floor.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
//go:generate go tool bpf2go -cc clang-19 -target bpfel -tags linux -type outcome Textbook textbook.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
//go:generate go tool bpf2go -cc clang-19 -target bpfel -tags linux -type limits Sink sink.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
