package dataplane

import (
	"fmt"

	"drover/bpf"
)

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
	counts, err := countsOf(d.objects.Displaced, FlowExpired, endFlowState)
	if err != nil {
		return nil, fmt.Errorf("displaced flows: %w", err)
	}
	return counts, nil
}
