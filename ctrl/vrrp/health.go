package vrrp

// health is whether a machine may take part.
type health struct {
	ill    bool // a Fault of its own
	reason string
	group  string // the fault of another member of the group; empty: none
}

func (h health) well() bool { return !h.ill && h.group == "" }

// why gives the reason for FAULT, one's own first.
func (h health) why() string {
	if h.ill {
		return h.reason
	}
	return h.group
}

// setHealth leads into FAULT and out of it. A machine that is not started only
// remembers.
func (m *Machine) setHealth(h health) {
	m.health = h
	switch {
	case !h.well() && (m.state == Master || m.state == Backup):
		m.resign()
		m.enter(Faulty, h.why())
	case h.well() && m.state == Faulty:
		m.takePart("the fault is over", 0)
	}
}
