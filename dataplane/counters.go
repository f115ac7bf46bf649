package dataplane

import (
	"fmt"
	"strings"

	"drover/bpf"
)

// Traffic is what passed a service or a real server since it came into the tables.
type Traffic struct {
	Packets     uint64
	Bytes       uint64 // of whole frames, without the trailer
	Connections uint64 // placed by the schedule
}

func (t Traffic) plus(o Traffic) Traffic {
	return Traffic{t.Packets + o.Packets, t.Bytes + o.Bytes, t.Connections + o.Connections}
}

// ServiceTraffic sums up what passed a service by way of the given real servers, which are those that it has, and of all
// that it had before.
func (d *DataPlane) ServiceTraffic(key ServiceKey, reals []RealID) (Traffic, error) {
	d.growing.RLock()
	defer d.growing.RUnlock()
	id, there, err := d.serviceID(key)
	if err != nil || !there {
		return Traffic{}, err
	}
	sum, err := d.pastTraffic(id)
	if err != nil {
		return Traffic{}, err
	}
	for _, real := range reals {
		one, err := d.realTraffic(real)
		if err != nil {
			return Traffic{}, err
		}
		sum = sum.plus(one)
	}
	return sum, nil
}

// serviceID asks the map: what is held belongs to the goroutine that applies.
func (d *DataPlane) serviceID(key ServiceKey) (serviceID, bool, error) {
	raw, err := encodeKey(key)
	if err != nil {
		return 0, false, err
	}
	var bucket bpf.DroverServiceBucket
	if err := d.objects.ServiceIndex.Lookup(serviceHash(raw), &bucket); err != nil {
		return 0, false, fmt.Errorf("read the index for %s: %w", key, err)
	}
	id, there := index{serviceHash(raw): bucket}.find(raw)
	return id, there, nil
}

func (d *DataPlane) pastTraffic(id serviceID) (Traffic, error) {
	var past bpf.DroverTraffic
	if err := d.objects.PastTraffic.Lookup(uint32(id), &past); err != nil {
		return Traffic{}, fmt.Errorf("read the past traffic of service %d: %w", id, err)
	}
	return Traffic{past.Packets, past.Bytes, past.Connections}, nil
}

// RealTraffic reads the counters of a real server.
func (d *DataPlane) RealTraffic(id RealID) (Traffic, error) {
	d.growing.RLock()
	defer d.growing.RUnlock()
	return d.realTraffic(id)
}

func (d *DataPlane) realTraffic(id RealID) (Traffic, error) {
	var perCPU []bpf.DroverTraffic
	if err := d.objects.RealTraffic.Lookup(uint32(id), &perCPU); err != nil {
		return Traffic{}, fmt.Errorf("read the traffic of real server %d: %w", id, err)
	}
	var sum Traffic
	for _, one := range perCPU {
		sum = sum.plus(Traffic{one.Packets, one.Bytes, one.Connections})
	}
	return sum, nil
}

// Load is what a real server has to do.
type Load struct {
	Active   int // TCP connections that open or are established; IPVS's ActiveConn
	Inactive int // TCP connections that close, and UDP; IPVS's InActConn
	// Overloaded says that the real server has reached its upper threshold, and takes no new connections.
	Overloaded bool
}

// Load reads how many connections a real server has. Those that have expired count until the next Sweep.
func (d *DataPlane) Load(id RealID) (Load, error) {
	d.growing.RLock()
	defer d.growing.RUnlock()
	var raw bpf.DroverRealLoad
	if err := d.objects.RealLoads.Lookup(uint32(id), &raw); err != nil {
		return Load{}, fmt.Errorf("read the load of real server %d: %w", id, err)
	}
	var terms bpf.DroverRealTerms
	if err := d.objects.RealTerms.Lookup(uint32(id), &terms); err != nil {
		return Load{}, fmt.Errorf("read the thresholds of real server %d: %w", id, err)
	}
	return Load{
		Active: int(int32(raw.Active)), Inactive: int(int32(raw.Inactive)),
		Overloaded: terms.Upper != 0 && raw.Overloaded >= terms.Upper, // as is_overloaded in bpf/real.h
	}, nil
}

// Loaded are the ids that connections in the flow table hold, whether they have a real server or not.
func (d *DataPlane) Loaded() ([]RealID, error) {
	d.growing.RLock()
	defer d.growing.RUnlock()
	var ids []RealID
	err := each(d.objects.RealLoads, func(id uint32, load bpf.DroverRealLoad) error {
		if load.Active != 0 || load.Inactive != 0 {
			ids = append(ids, RealID(id))
		}
		return nil
	})
	return ids, err
}

// Verdict says what the program did with a packet, and why.
type Verdict bpf.DroverVerdict

// Verdicts of the program; bpf/verdict.h explains each.
const (
	PassNotIP          = Verdict(bpf.DroverVerdictPASS_NOT_IP)
	PassOtherHost      = Verdict(bpf.DroverVerdictPASS_OTHER_HOST)
	PassMalformed      = Verdict(bpf.DroverVerdictPASS_MALFORMED)
	PassProtocol       = Verdict(bpf.DroverVerdictPASS_PROTOCOL)
	PassFragment       = Verdict(bpf.DroverVerdictPASS_FRAGMENT)
	PassNoService      = Verdict(bpf.DroverVerdictPASS_NO_SERVICE)
	PassClosed         = Verdict(bpf.DroverVerdictPASS_CLOSED)
	PassNoReal         = Verdict(bpf.DroverVerdictPASS_NO_REAL)
	PassNeighbor       = Verdict(bpf.DroverVerdictPASS_NEIGHBOR)
	PassLocal          = Verdict(bpf.DroverVerdictPASS_LOCAL)
	PassPeer           = Verdict(bpf.DroverVerdictPASS_PEER)
	DropSilent         = Verdict(bpf.DroverVerdictDROP_SILENT)
	DropTooBig         = Verdict(bpf.DroverVerdictDROP_TOO_BIG)
	DropLoop           = Verdict(bpf.DroverVerdictDROP_LOOP)
	ForwardFlow        = Verdict(bpf.DroverVerdictFORWARD_FLOW)
	ForwardNew         = Verdict(bpf.DroverVerdictFORWARD_NEW)
	ForwardRescheduled = Verdict(bpf.DroverVerdictFORWARD_RESCHEDULED)
	ForwardResumed     = Verdict(bpf.DroverVerdictFORWARD_RESUMED)
	ForwardUntracked   = Verdict(bpf.DroverVerdictFORWARD_UNTRACKED)
	ForwardFragment    = Verdict(bpf.DroverVerdictFORWARD_FRAGMENT)
	ForwardError       = Verdict(bpf.DroverVerdictFORWARD_ERROR)
	ForwardGrace       = Verdict(bpf.DroverVerdictFORWARD_GRACE)

	firstVerdict = PassNotIP
	endVerdict   = Verdict(bpf.DroverVerdictVERDICTS)
)

var verdictNames = map[Verdict]string{
	PassNotIP:          "pass-not-ip",
	PassOtherHost:      "pass-other-host",
	PassMalformed:      "pass-malformed",
	PassProtocol:       "pass-protocol",
	PassFragment:       "pass-fragment",
	PassNoService:      "pass-no-service",
	PassClosed:         "pass-closed",
	PassNoReal:         "pass-no-real",
	PassNeighbor:       "pass-neighbor",
	PassLocal:          "pass-local",
	PassPeer:           "pass-peer",
	DropSilent:         "drop-silent",
	DropTooBig:         "drop-too-big",
	DropLoop:           "drop-loop",
	ForwardFlow:        "forward-flow",
	ForwardNew:         "forward-new",
	ForwardRescheduled: "forward-rescheduled",
	ForwardResumed:     "forward-resumed",
	ForwardUntracked:   "forward-untracked",
	ForwardFragment:    "forward-fragment",
	ForwardError:       "forward-error",
	ForwardGrace:       "forward-grace",
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
	d.growing.RLock()
	defer d.growing.RUnlock()
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

// FlowState is what is known of a connection.
type FlowState bpf.DroverFlowState

// States of a flow; bpf/tables.h explains each.
const (
	FlowExpired     = FlowState(bpf.DroverFlowStateFLOW_EXPIRED)
	FlowEmbryonic   = FlowState(bpf.DroverFlowStateFLOW_EMBRYONIC)
	FlowClientNew   = FlowState(bpf.DroverFlowStateFLOW_CLIENT_NEW)
	FlowResumed     = FlowState(bpf.DroverFlowStateFLOW_RESUMED)
	FlowUDP         = FlowState(bpf.DroverFlowStateFLOW_UDP)
	FlowReset       = FlowState(bpf.DroverFlowStateFLOW_RESET)
	FlowClosing     = FlowState(bpf.DroverFlowStateFLOW_CLOSING)
	FlowClient      = FlowState(bpf.DroverFlowStateFLOW_CLIENT)
	FlowEstablished = FlowState(bpf.DroverFlowStateFLOW_ESTABLISHED)

	endFlowState = FlowState(bpf.DroverFlowStateFLOW_STATES)
)

var flowStateNames = map[FlowState]string{
	FlowExpired: "expired", FlowEmbryonic: "embryonic", FlowClientNew: "client-new", FlowResumed: "resumed",
	FlowUDP: "udp", FlowReset: "reset", FlowClosing: "closing", FlowClient: "client", FlowEstablished: "established",
}

func (s FlowState) String() string {
	if name, known := flowStateNames[s]; known {
		return name
	}
	return fmt.Sprintf("flow-state-%d", uint32(s))
}

// Displaced counts the flows that had to go for another one before they had expired, since the tables were made, by the
// state that they were in.
func (d *DataPlane) Displaced() (map[FlowState]uint64, error) {
	d.growing.RLock()
	defer d.growing.RUnlock()
	counts := make(map[FlowState]uint64)
	for state := range endFlowState {
		var perCPU []uint64
		if err := d.objects.Displaced.Lookup(uint32(state), &perCPU); err != nil {
			return nil, fmt.Errorf("read how many %s flows were displaced: %w", state, err)
		}
		for _, n := range perCPU {
			counts[state] += n
		}
	}
	return counts, nil
}
