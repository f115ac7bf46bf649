package netif

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
)

// PortRange are ports from First to Last, both included.
type PortRange struct {
	First, Last uint16
}

// String returns the range as in 1024-32767.
func (r PortRange) String() string { return fmt.Sprintf("%d-%d", r.First, r.Last) }

func (r PortRange) size() int { return int(r.Last) - int(r.First) + 1 }

const (
	firstFreePort = 1024 // those below are for services
	// leastProbePorts is how many ports probes want at least. A port is in use for as long as a probe waits for its answer.
	leastProbePorts = 512
)

// errNoFreePorts says that this host may send from all ports itself.
var errNoFreePorts = errors.New("net.ipv4.ip_local_port_range leaves no 512 ports that this host does not send from: " +
	"narrow it, or reserve some, as in net.ipv4.ip_local_reserved_ports=60000-65535")

// hostFreePorts are ports that this host does not give to its own connections.
func hostFreePorts() (PortRange, error) {
	own, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return PortRange{}, err
	}
	reserved, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_reserved_ports")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return PortRange{}, err
	}
	return freePorts(string(own), string(reserved))
}

// freePorts is the largest range outside of net.ipv4.ip_local_port_range or inside of net.ipv4.ip_local_reserved_ports,
// each as the kernel shows it. Of two of one size it is the upper one.
func freePorts(own, reserved string) (PortRange, error) {
	sent, err := parseRange(strings.Join(strings.Fields(own), "-"))
	if err != nil {
		return PortRange{}, fmt.Errorf("net.ipv4.ip_local_port_range: %w", err)
	}
	var free []PortRange
	if sent.First > firstFreePort {
		free = append(free, PortRange{firstFreePort, sent.First - 1})
	}
	for text := range strings.SplitSeq(strings.TrimSpace(reserved), ",") {
		if text == "" {
			continue
		}
		r, err := parseRange(text)
		if err != nil {
			return PortRange{}, fmt.Errorf("net.ipv4.ip_local_reserved_ports: %w", err)
		}
		if r.Last >= firstFreePort {
			free = append(free, PortRange{max(r.First, firstFreePort), r.Last})
		}
	}
	if sent.Last < 65535 {
		free = append(free, PortRange{max(sent.Last+1, firstFreePort), 65535})
	}
	slices.SortFunc(free, func(a, b PortRange) int {
		return cmp.Or(cmp.Compare(a.size(), b.size()), cmp.Compare(a.First, b.First))
	})
	if len(free) == 0 || free[len(free)-1].size() < leastProbePorts {
		return PortRange{}, errNoFreePorts
	}
	return free[len(free)-1], nil
}

// parseRange reads 80 or 80-90.
func parseRange(text string) (PortRange, error) {
	first, last, two := strings.Cut(text, "-")
	if !two {
		last = first
	}
	from, err := strconv.ParseUint(first, 10, 16)
	if err != nil {
		return PortRange{}, err
	}
	to, err := strconv.ParseUint(last, 10, 16)
	if err != nil {
		return PortRange{}, err
	}
	if to < from {
		return PortRange{}, fmt.Errorf("%s is no range", text)
	}
	return PortRange{uint16(from), uint16(to)}, nil
}
