package ipvs

import (
	"fmt"
	"os"
	"strconv"
	"strings"
)

// openIPVS has the kernel balance what comes in by the far end of the cable.
func openIPVS(c cable) (balancer, error) {
	if err := receiveInBatches(c.far); err != nil {
		return balancer{}, err
	}
	network := []string{
		"link set lo up",
		fmt.Sprintf("address add %s/32 dev lo", virtualServer().Addr()),
		fmt.Sprintf("address add %s dev %s", balancerPrefix(), c.far),
	}
	services := fmt.Sprintf("-A -t %s -s rr\n", virtualServer())
	for _, real := range realServers() {
		network = append(network, fmt.Sprintf("neighbour add %s lladdr %s nud permanent dev %s",
			real.address.Addr(), real.mac, c.far))
		services += fmt.Sprintf("-a -t %s -r %s -g -w 1\n", virtualServer(), real.address)
	}
	if err := ip(network...); err != nil {
		return balancer{}, err
	}
	if err := feed(services, "ipvsadm", "--restore"); err != nil {
		return balancer{}, err
	}
	return balancer{
		connections: countIPVSConnections,
		close:       func() error { return feed("", "ipvsadm", "--clear") },
	}, nil
}

// ipvsStats has two lines of titles, and then a line for each CPU, of numbers in hexadecimal: the CPU and the
// connections are the first. Unlike ip_vs_stats it is not up to two seconds late.
const ipvsStats = "/proc/net/ip_vs_stats_percpu"

// countIPVSConnections reads how many connections IPVS has placed.
func countIPVSConnections() (uint64, error) {
	text, err := os.ReadFile(ipvsStats)
	if err != nil {
		return 0, err
	}
	return parseIPVSConnections(string(text))
}

func parseIPVSConnections(text string) (connections uint64, err error) {
	lines := strings.Split(text, "\n")
	const titles = 2
	for _, line := range lines[min(titles, len(lines)):] {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] == "~" { // an estimate of all CPUs, and of rates
			break
		}
		n, err := strconv.ParseUint(fields[1], 16, 64)
		if err != nil {
			return 0, fmt.Errorf("read %s: %w", ipvsStats, err)
		}
		connections += n
	}
	return connections, nil
}
