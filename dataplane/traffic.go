package dataplane

import (
	"fmt"

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
