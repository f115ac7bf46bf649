package vrrp

import "fmt"

// State of a virtual router, RFC 9568 section 6.3, with keepalived's FAULT.
type State uint8

const (
	// Initialize takes no part: not started, or stopped.
	Initialize State = iota
	// Backup listens to the master and takes over when it falls silent.
	Backup
	// Master adverts and holds the addresses; RFC 9568 calls it Active.
	Master
	// Faulty takes no part because of a Fault, its own or its group's.
	Faulty
)

// String returns keepalived's word for the state: INIT, BACKUP, MASTER, FAULT.
func (s State) String() string {
	switch s {
	case Initialize:
		return "INIT"
	case Backup:
		return "BACKUP"
	case Master:
		return "MASTER"
	case Faulty:
		return "FAULT"
	}
	return fmt.Sprintf("state %d", uint8(s))
}
