package netif

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// HostFacts are what tells whether a host can run Drover.
type HostFacts struct {
	Kernel string // its release, as uname -r has it
	// Options are those of the kernel's configuration that were asked for, as "y", "m" or "n". Nil if the kernel's
	// configuration is nowhere to be read.
	Options map[string]string
	// JIT tells whether BPF programs are compiled (net.core.bpf_jit_enable), or unknown if it cannot be read.
	JIT Tristate
	// BPFFS tells whether a BPF file system is mounted where it was looked for.
	BPFFS bool
	// Capabilities are those of this process, by bit (capabilities(7)).
	Capabilities uint64
	// LockedMemory is how much memory this process may lock without CAP_IPC_LOCK, in bytes (RLIMIT_MEMLOCK); math.MaxUint64
	// is all.
	LockedMemory uint64
	// ReversePathFilter is net.ipv4.conf.all.rp_filter.
	ReversePathFilter int
	// IPVS is the number of virtual services in the kernel's own load balancer; 0 also where there is none.
	IPVS int
	// Processes are those of the names that were asked for, by name, with the process ids in this namespace.
	Processes map[string][]int
}

// Tristate is yes, no, or not known.
type Tristate int

// The values of a Tristate.
const (
	Unknown Tristate = iota
	No
	Yes
)

const bpfMagic = 0xcafe4a11 // BPF_FS_MAGIC, linux/magic.h

// Host gathers the facts of this host: options of the kernel's configuration, processes by name, and whether bpffs is a
// BPF file system.
func Host(bpffs string, options, processes []string) (HostFacts, error) {
	var name unix.Utsname
	if err := unix.Uname(&name); err != nil {
		return HostFacts{}, fmt.Errorf("ask for the kernel's version: %w", err)
	}
	facts := HostFacts{Kernel: unix.ByteSliceToString(name.Release[:])}
	var stat unix.Statfs_t
	facts.BPFFS = unix.Statfs(bpffs, &stat) == nil && uint32(stat.Type) == bpfMagic
	var lock unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &lock); err != nil {
		return HostFacts{}, fmt.Errorf("ask how much memory may be locked: %w", err)
	}
	facts.LockedMemory = lock.Cur
	var errs [5]error
	facts.Options, errs[0] = kernelOptions(facts.Kernel, options)
	facts.Capabilities, errs[1] = capabilities()
	facts.ReversePathFilter, errs[2] = ReversePathFilter("all")
	facts.IPVS, errs[3] = ipvsServices()
	facts.Processes, errs[4] = processesNamed(processes)
	facts.JIT = jit()
	return facts, errors.Join(errs[:]...)
}

// jit reads what only root may read.
func jit() Tristate {
	value, err := os.ReadFile("/proc/sys/net/core/bpf_jit_enable")
	switch {
	case err != nil:
		return Unknown
	case strings.TrimSpace(string(value)) == "0":
		return No
	default:
		return Yes
	}
}

// kernelOptions reads the kernel's configuration where distributions put it.
func kernelOptions(release string, wanted []string) (map[string]string, error) {
	text, err := os.ReadFile("/proc/config.gz")
	if err == nil {
		text, err = gunzip(text)
	} else if errors.Is(err, fs.ErrNotExist) {
		text, err = os.ReadFile("/boot/config-" + release)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the kernel's configuration: %w", err)
	}
	return parseOptions(text, wanted), nil
}

func gunzip(packed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	const most = 4 << 20
	return io.ReadAll(io.LimitReader(reader, most))
}

// parseOptions finds options; one that is not set is "n".
func parseOptions(text []byte, wanted []string) map[string]string {
	options := make(map[string]string)
	for _, name := range wanted {
		options[name] = "n"
	}
	for line := range strings.Lines(string(text)) {
		name, value, set := strings.Cut(strings.TrimSpace(line), "=")
		if _, asked := options[name]; set && asked {
			options[name] = value
		}
	}
	return options
}

// capabilities reads the effective ones of this process.
func capabilities() (uint64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("read capabilities: %w", err)
	}
	for line := range strings.Lines(string(text)) {
		if set, found := strings.CutPrefix(line, "CapEff:"); found {
			return strconv.ParseUint(strings.TrimSpace(set), 16, 64)
		}
	}
	return 0, errors.New("read capabilities: /proc/self/status has no CapEff")
}

// ipvsServices counts the lines of /proc/net/ip_vs that begin a service.
func ipvsServices() (int, error) {
	file, err := os.Open("/proc/net/ip_vs")
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("look at IPVS: %w", err)
	}
	count := 0
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		kind, _, _ := strings.Cut(lines.Text(), " ")
		if slices.Contains([]string{"TCP", "UDP", "SCTP", "FWM"}, kind) {
			count++
		}
	}
	return count, errors.Join(lines.Err(), file.Close())
}

// processesNamed finds running programs by their names.
func processesNamed(names []string) (map[string][]int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	found := make(map[string][]int)
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		comm, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "comm"))
		if err != nil {
			continue // it has ended
		}
		if name := strings.TrimSpace(string(comm)); slices.Contains(names, name) {
			found[name] = append(found[name], pid)
		}
	}
	return found, nil
}
