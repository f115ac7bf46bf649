package dataplane

import (
	"fmt"
	"strings"

	"github.com/cilium/ebpf"

	"drover/bpf"
)

// Traffic is what passed a service or a real server since it came into the tables.
type Traffic struct {
	Packets     uint64
	Bytes       uint64 // of whole frames, without the trailer
	Connections uint64 // placed by the schedule
}

// ServiceTraffic reads the counters of a service; zero for one that is not in the tables.
func (d *DataPlane) ServiceTraffic(key ServiceKey) (Traffic, error) {
	raw, err := encodeKey(key)
	if err != nil {
		return Traffic{}, err
	}
	var bucket bpf.DroverServiceBucket
	if err := d.objects.ServiceIndex.Lookup(serviceHash(raw), &bucket); err != nil {
		return Traffic{}, fmt.Errorf("read the index for %s: %w", key, err)
	}
	id, there := index{serviceHash(raw): bucket}.find(raw)
	if !there {
		return Traffic{}, nil
	}
	return sumTraffic(d.objects.ServiceTraffic, uint32(id))
}

// RealTraffic reads the counters of a real server.
func (d *DataPlane) RealTraffic(id RealID) (Traffic, error) {
	return sumTraffic(d.objects.RealTraffic, uint32(id))
}

func sumTraffic(m *ebpf.Map, key uint32) (Traffic, error) {
	var perCPU []bpf.DroverTraffic
	if err := m.Lookup(key, &perCPU); err != nil {
		return Traffic{}, fmt.Errorf("read entry %d of %s: %w", key, m, err)
	}
	var sum Traffic
	for _, one := range perCPU {
		sum.Packets += one.Packets
		sum.Bytes += one.Bytes
		sum.Connections += one.Connections
	}
	return sum, nil
}

// Verdict says what the program did with a packet, and why.
type Verdict bpf.DroverVerdict

// Verdicts of the program; bpf/verdict.h explains each.
const (
	PassNotIPv4        = Verdict(bpf.DroverVerdictPASS_NOT_IPV4)
	PassOtherHost      = Verdict(bpf.DroverVerdictPASS_OTHER_HOST)
	PassMalformed      = Verdict(bpf.DroverVerdictPASS_MALFORMED)
	PassProtocol       = Verdict(bpf.DroverVerdictPASS_PROTOCOL)
	PassFragment       = Verdict(bpf.DroverVerdictPASS_FRAGMENT)
	PassNoService      = Verdict(bpf.DroverVerdictPASS_NO_SERVICE)
	PassClosed         = Verdict(bpf.DroverVerdictPASS_CLOSED)
	PassNoReal         = Verdict(bpf.DroverVerdictPASS_NO_REAL)
	PassARP            = Verdict(bpf.DroverVerdictPASS_ARP)
	DropARPSilent      = Verdict(bpf.DroverVerdictDROP_ARP_SILENT)
	ForwardFlow        = Verdict(bpf.DroverVerdictFORWARD_FLOW)
	ForwardNew         = Verdict(bpf.DroverVerdictFORWARD_NEW)
	ForwardRescheduled = Verdict(bpf.DroverVerdictFORWARD_RESCHEDULED)
	ForwardUntracked   = Verdict(bpf.DroverVerdictFORWARD_UNTRACKED)
	ForwardGrace       = Verdict(bpf.DroverVerdictFORWARD_GRACE)

	firstVerdict = PassNotIPv4
	endVerdict   = Verdict(bpf.DroverVerdictVERDICTS)
)

var verdictNames = map[Verdict]string{
	PassNotIPv4: "pass-not-ipv4", PassOtherHost: "pass-other-host", PassMalformed: "pass-malformed",
	PassProtocol: "pass-protocol", PassFragment: "pass-fragment", PassNoService: "pass-no-service",
	PassClosed: "pass-closed", PassNoReal: "pass-no-real", PassARP: "pass-arp", DropARPSilent: "drop-arp-silent",
	ForwardFlow: "forward-flow", ForwardNew: "forward-new", ForwardRescheduled: "forward-rescheduled",
	ForwardUntracked: "forward-untracked", ForwardGrace: "forward-grace",
}

func (v Verdict) String() string {
	if name, known := verdictNames[v]; known {
		return name
	}
	return fmt.Sprintf("verdict-%d", uint32(v))
}

// Forwards tells whether packets with this verdict went to a real server.
func (v Verdict) Forwards() bool { return strings.HasPrefix(v.String(), "forward-") }

// Verdicts counts the packets of each verdict on all interfaces since the tables were made.
func (d *DataPlane) Verdicts() (map[Verdict]uint64, error) {
	counts := make(map[Verdict]uint64)
	for v := firstVerdict; v < endVerdict; v++ {
		var perCPU []uint64
		if err := d.objects.Verdicts.Lookup(uint32(v), &perCPU); err != nil {
			return nil, fmt.Errorf("read the count of %s: %w", v, err)
		}
		for _, n := range perCPU {
			counts[v] += n
		}
	}
	return counts, nil
}
