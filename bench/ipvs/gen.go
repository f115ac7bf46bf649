package ipvs

//go:generate go tool bpf2go -cc clang-19 -target bpfel -tags linux -type counter -type xdp_md wire wire.bpf.c -- -O2 -g -Wall -Werror -mcpu=v3 -I/usr/include/x86_64-linux-gnu -I/usr/include/aarch64-linux-gnu
