package netif

import (
	"bytes"
	"compress/gzip"
	"errors"
	"maps"
	"net/netip"
	"os"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheOptionsOfAKernelAreReadAsTheyAreWritten(t *testing.T) {
	const text = "# CONFIG_A is not set\nCONFIG_B=y\nCONFIG_BB=m\nCONFIG_C=\"x\"\n"
	want := map[string]string{"CONFIG_A": "n", "CONFIG_B": "y", "CONFIG_C": `"x"`, "CONFIG_D": "n"}
	got := parseOptions([]byte(text), []string{"CONFIG_A", "CONFIG_B", "CONFIG_C", "CONFIG_D"})
	if !maps.Equal(got, want) {
		t.Errorf("options %v, want %v", got, want)
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if unpacked, err := gunzip(packed.Bytes()); string(unpacked) != text || err != nil {
		t.Errorf("unpacked %q, %v", unpacked, err)
	}
}

func TestWhatThisHostIs(t *testing.T) {
	name, err := os.ReadFile("/proc/self/comm")
	if err != nil {
		t.Fatal(err)
	}
	own := string(bytes.TrimSpace(name))
	facts, err := Host("/proc", []string{"CONFIG_BPF_SYSCALL"}, []string{own})
	if err != nil {
		t.Fatal(err)
	}
	var kernel unix.Utsname
	if err := unix.Uname(&kernel); err != nil {
		t.Fatal(err)
	}
	if facts.Kernel != unix.ByteSliceToString(kernel.Release[:]) || facts.BPFFS {
		t.Errorf("kernel %q, and /proc is a BPF file system: %v", facts.Kernel, facts.BPFFS)
	}
	if !slices.Contains(facts.Processes[own], os.Getpid()) {
		t.Errorf("this process is not among %v", facts.Processes)
	}
	var lock unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &lock); err != nil || facts.LockedMemory != lock.Cur {
		t.Errorf("%d bytes may be locked, want %d: %v", facts.LockedMemory, lock.Cur, err)
	}
	const netAdmin = 1 << 12
	if os.Geteuid() == 0 && facts.Capabilities&netAdmin == 0 {
		t.Errorf("root has the capabilities %x", facts.Capabilities)
	}
}

func TestWhatANICIs(t *testing.T) {
	h, _ := newLAN(t)
	h.must(func() error {
		if err := turnOff(testInterface, FeatureVLANOffload); err != nil {
			return err
		}
		if err := writeSysctl("ipv4", testInterface, "rp_filter", "2"); err != nil {
			return err
		}
		nic, err := NIC(testInterface)
		if err != nil {
			return err
		}
		if nic.Driver != "veth" || nic.Name != testInterface || !nic.Usable() || nic.XDPProgram != 0 || nic.ReversePathFilter != 2 {
			t.Errorf("the NIC is %+v", nic)
		}
		if slices.Contains(nic.Active, FeatureVLANOffload) || !slices.Contains(nic.Active, FeatureSTagOffload) {
			t.Errorf("active features %v: one of the two VLAN offloads was turned off", nic.Active)
		}
		if !slices.Contains(nic.Addresses, netip.MustParsePrefix("192.168.100.210/24")) {
			t.Errorf("addresses %v", nic.Addresses)
		}
		if lo, err := NIC("lo"); err != nil || lo.Driver != "" {
			t.Errorf("lo is %+v, %v", lo, err)
		}
		if _, err := NIC("enp9s0"); !errors.Is(err, ErrNoInterface) {
			t.Errorf("an interface that is not there: %v", err)
		}
		return nil
	})
}
