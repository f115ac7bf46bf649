// Package testbed builds hosts, cables and a switch out of Linux namespaces, so that a whole LAN fits on one machine
// and in one test.
//
//	lab, err := testbed.New(testbed.Options{Name: "failover"})
//	defer lab.Close()
//	web, err := lab.AddHost(testbed.RealServer("web150", mac, address, vip))
//	client, err := lab.AddHost(testbed.HostSpec{Name: "client", Addresses: []netip.Prefix{...}})
//	watch, err := lab.Watch(func(f testbed.Frame) bool { return true })
//	out, err := client.Command(ctx, "curl", "http://192.0.2.1/").Output()
//	err = web.Pull()
//
// A host is one process, its init, in a network, mount, PID, UTS and IPC namespace of its own. It has a fresh /proc and
// /sys, its own BPF filesystem at /sys/fs/bpf, an empty /run and a private copy of /etc. Everything that runs on the
// host is a member of its PID namespace: to turn the host off is to kill its init, and no other process can be hit.
// The init ends by itself when the process that made the lab is gone, so a crash leaves no host behind.
//
// A cable is a veth pair from the host to the switch, created inside the namespaces: no interface of the machine is
// ever touched. The switch is a network namespace of its own with a bridge for each LAN.
//
// Programs that use the package call RunChild first thing in main or TestMain: the inits are the same executable.
//
// The testbed needs root, Linux 5.15 or newer, and the veth, bridge and overlay modules.
package testbed
