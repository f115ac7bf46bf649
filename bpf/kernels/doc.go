// Package kernels tests the data plane on other kernels than the one that runs the tests: it boots each in a virtual
// machine and runs tests of packages bpf, dataplane and netif there: those that depend on the kernel, and those of VLANs
// and bonds, which the kernel that runs the tests may not have.
//
// The machine is qemu-system-x86_64's emulation, so KVM is not needed. The kernels are Debian's packages linux-image-*,
// unpacked but not installed, side by side in .build/kernels or where DROVER_TEST_KERNELS says:
//
//	apt-get download linux-image-6.1.0-56-cloud-amd64
//	dpkg-deb -x linux-image-6.1.0-56-cloud-amd64_*.deb .build/kernels
package kernels
