package dataplane

import (
	"errors"
	"fmt"

	"drover/bpf"
)

// ProbeAnswers tell answers to health checks through a VIP from the host's other packets: they come from an address of
// [Tables].VIPs, to a port, or with an id of ICMP, from FirstPort to LastPort. Their frames are given the MAC address, by
// which the kernel finds where to take them. Zero stands for no such checks.
type ProbeAnswers struct {
	MAC                 MAC
	FirstPort, LastPort uint16
}

// SetProbeAnswers says what to do with answers to health checks through a VIP. It holds until it is called again, beyond
// the end of the process.
func (d *DataPlane) SetProbeAnswers(a ProbeAnswers) error {
	if a.LastPort < a.FirstPort || a != (ProbeAnswers{}) && a.FirstPort == 0 {
		return fmt.Errorf("probes from ports %d to %d: not a range", a.FirstPort, a.LastPort)
	}
	return d.put(d.objects.ProbeSpace, uint32(0),
		bpf.DroverProbeSpace{FirstPort: a.FirstPort, LastPort: a.LastPort, Mac: a.MAC})
}

// ProbeProgram is the program that addresses health checks through a VIP, to be attached where they leave, as a classifier
// with direct action. It sends each packet to the real server whose RealID is the packet's mark, also to one that is down,
// and drops all others.
type ProbeProgram struct {
	FD int    // its file descriptor, which Grow and Tidy close
	ID uint32 // tells it from its successor
}

// ProbeProgram returns the program as it is now. Grow and Tidy replace it: the earlier one then reads tables that are not
// written any more.
func (d *DataPlane) ProbeProgram() (ProbeProgram, error) {
	info, err := d.objects.Probe.Info()
	if err != nil {
		return ProbeProgram{}, fmt.Errorf("read the program for probes: %w", err)
	}
	id, known := info.ID()
	if !known {
		return ProbeProgram{}, fmt.Errorf("read the program for probes: %w", errNoProgramID)
	}
	return ProbeProgram{FD: d.objects.Probe.FD(), ID: uint32(id)}, nil
}

var errNoProgramID = errors.New("the kernel tells no id")
