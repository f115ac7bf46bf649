package dataplane

import (
	"time"

	"drover/bpf"
)

// FlowCounts are the live flows of one real server.
type FlowCounts struct {
	Active   int // established TCP, and UDP
	Inactive int // opening or closing TCP
}

// Flows counts the live flows of every real server. It reads the whole flow table, which takes some tens of
// milliseconds per million flows.
func (d *DataPlane) Flows() (map[RealID]FlowCounts, error) {
	now, err := d.clock()
	if err != nil {
		return nil, err
	}
	counts := make(map[RealID]FlowCounts)
	err = each(d.objects.Flows, func(_ uint32, bucket bpf.DroverFlowBucket) error {
		for i, key := range bucket.Key {
			state := bpf.DroverFlowState(bucket.State[i])
			if key == (bpf.DroverFlowKey{}) || expired(bucket.Seen[i], uint32(now.now), d.timeouts.of(state), now.hz) {
				continue
			}
			n := counts[RealID(bucket.Real[i])]
			switch state {
			case bpf.DroverFlowStateFLOW_ESTABLISHED, bpf.DroverFlowStateFLOW_UDP:
				n.Active++
			default:
				n.Inactive++
			}
			counts[RealID(bucket.Real[i])] = n
		}
		return nil
	})
	return counts, err
}

// expired judges as the program does; see flow_age in bpf/flow.h.
func expired(seen, now uint32, timeout time.Duration, hz uint64) bool {
	const ahead = uint32(bpf.DroverLimitsJIFFIES_AHEAD)
	return now+ahead-seen > uint32(toJiffies(timeout, hz))+ahead
}

func (t Timeouts) of(state bpf.DroverFlowState) time.Duration {
	switch state {
	case bpf.DroverFlowStateFLOW_EMBRYONIC:
		return t.Embryonic
	case bpf.DroverFlowStateFLOW_UDP:
		return t.UDP
	case bpf.DroverFlowStateFLOW_CLOSING:
		return t.Closing
	default:
		return t.Established
	}
}
