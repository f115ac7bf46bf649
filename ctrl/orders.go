package ctrl

import (
	"encoding/json"
	"net/netip"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/notify"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

// order is what the controller has the process of VRRP do. One of its fields is set, or none: that the controller is there.
// They are JSON on the process's standard input, one after the other.
type order struct {
	Begin       *beginOrder       `json:",omitempty"`
	Add         *addOrder         `json:",omitempty"`
	Start       *fitOrder         `json:",omitempty"`
	Fit         *fitOrder         `json:",omitempty"`
	Reconfigure *reconfigureOrder `json:",omitempty"`
	Reunite     *candidateNews    `json:",omitempty"` // a part of its LAN is heard again
	Stop        *stopOrder        `json:",omitempty"`
	Follow      *followOrder      `json:",omitempty"`
	Pace        *paceOrder        `json:",omitempty"`
	Ask         *askOrder         `json:",omitempty"`
}

// beginOrder comes before all others.
type beginOrder struct{ Priority int } // vrrp_rt_priority; 0 for the default

// candidateID names a router between the two processes. None is used twice.
type candidateID uint64

type addOrder struct {
	ID       candidateID
	Instance config.Instance
	Gate     dataplane.GateID
}

type fitOrder struct {
	ID      candidateID
	Fitness fitness
}

type reconfigureOrder struct {
	ID       candidateID
	Instance config.Instance
}

// stopOrder is for all that stop at the same time, in their order.
type stopOrder struct {
	IDs     []candidateID
	Deleted bool
}

// followOrder has the sync groups.
type followOrder struct{ Sets []setOrder }

type setOrder struct {
	Name    string
	Members []candidateID
}

// paceOrder says how far apart announcements are to be on each interface, of IPv4 and of IPv6.
type paceOrder struct{ GARP, GNA time.Duration }

// askOrder asks for the status of every candidate. The answer repeats the number.
type askOrder struct{ Number uint64 }

// news is what the process of VRRP tells the controller, JSON on its standard output. One of its fields is set, or
// none: that the process is there.
type news struct {
	Status   *statusNews    `json:",omitempty"`
	Event    *notify.Event  `json:",omitempty"`
	Changed  *candidateNews `json:",omitempty"` // all is done that a transition brought
	Done     *candidateNews `json:",omitempty"` // all is done after a stop
	Answered *askOrder      `json:",omitempty"`
}

type candidateNews struct{ ID candidateID }

type statusNews struct {
	ID     candidateID
	Status routerStatus
}

// fitnessJSON is a fitness on its way to the other process.
type fitnessJSON struct {
	Weight                        int
	Reason, Fault, Pending, Yield string
}

func (f fitness) MarshalJSON() ([]byte, error) {
	return json.Marshal(fitnessJSON{f.weight, f.reason, f.fault, f.pending, f.yield})
}

func (f *fitness) UnmarshalJSON(text []byte) error {
	var j fitnessJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*f = fitness{weight: j.Weight, reason: j.Reason, fault: j.Fault, pending: j.Pending, yield: j.Yield}
	return nil
}

// routerStatusJSON is a routerStatus on its way to the controller.
type routerStatusJSON struct {
	State, Before  vrrp.State
	Since          time.Time
	Reason         string
	Priority       uint8
	Master         netip.Addr
	Rivals         map[netip.Addr]rivalJSON
	Late           latenessJSON
	Sent, Received uint64
	Dropped        map[vrrp.DropReason]uint64
}

type rivalJSON struct {
	Priority uint8
	Heard    time.Time
}

type latenessJSON struct {
	Counts [len(latenessBounds) + 1]uint64
	Worst  time.Duration
}

func (s routerStatus) MarshalJSON() ([]byte, error) {
	rivals := make(map[netip.Addr]rivalJSON)
	for address, r := range s.rivals {
		rivals[address] = rivalJSON{r.priority, r.heard}
	}
	return json.Marshal(routerStatusJSON{
		State: s.state, Before: s.before, Since: s.since, Reason: s.reason, Priority: s.priority, Master: s.master,
		Rivals: rivals, Late: latenessJSON{s.late.counts, s.late.worst}, Sent: s.sent, Received: s.received, Dropped: s.dropped,
	})
}

func (s *routerStatus) UnmarshalJSON(text []byte) error {
	var j routerStatusJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return err
	}
	*s = routerStatus{
		state: j.State, before: j.Before, since: j.Since, reason: j.Reason, priority: j.Priority, master: j.Master,
		rivals: make(rivals), late: lateness{j.Late.Counts, j.Late.Worst}, sent: j.Sent, received: j.Received,
		dropped: j.Dropped,
	}
	for address, r := range j.Rivals {
		s.rivals[address] = rival{r.Priority, r.Heard}
	}
	return nil
}
