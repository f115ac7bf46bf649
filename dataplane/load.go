package dataplane

import (
	"fmt"

	"drover/bpf"
)

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
