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
			idle := fromJiffies(int64(uint32(now.now)-bucket.Seen[i]), now.hz)
			if key == (bpf.DroverFlowKey{}) || idle > d.timeouts.of(state) {
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
