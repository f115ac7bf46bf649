package notify

import "fmt"

// Kind says what an event is about.
type Kind string

// The words that scripts and FIFOs get.
const (
	Instance Kind = "INSTANCE"
	Group    Kind = "GROUP"
	// RealServer and VirtualServer are what keepalived's checker tells of, in a shorter line.
	RealServer    Kind = "RS"
	VirtualServer Kind = "VS"
)

// isServer says whether the checker tells of it, and not VRRP.
func (k Kind) isServer() bool { return k == RealServer || k == VirtualServer }

// Subject is what an event is about: a vrrp_instance, a vrrp_sync_group, a virtual_server or one of its real servers.
type Subject struct {
	Kind Kind
	// Name is that of the instance or group. A virtual server's is as keepalived writes it, [192.0.2.1]:tcp:80; a real
	// server's is its own followed by its virtual server's.
	Name string
}

// State is what has become of a subject, in the word that scripts and FIFOs get.
type State string

// The states that a subject enters.
const (
	Master State = "MASTER"
	Backup State = "BACKUP"
	Fault  State = "FAULT"
	Stop   State = "STOP"
	// Deleted is an instance that a reload removed. keepalived says FAULT unless notify_deleted is configured.
	Deleted State = "DELETED"
)

// The states of a real server, and of a virtual server: whether it has its quorum.
const (
	Up   State = "UP"
	Down State = "DOWN"
)

// What happens to an instance in a state. FIFOs hear of all of these, the latter two only with
// Scripts.PriorityChanges; of scripts only notify_master_rx_lower_pri does. As in keepalived, BackupPriority is what is
// told in FAULT, too.
const (
	LowerPriority  State = "MASTER_RX_LOWER_PRI"
	MasterPriority State = "MASTER_PRIORITY"
	BackupPriority State = "BACKUP_PRIORITY"
)

// Event is one thing to tell.
type Event struct {
	Subject Subject
	State   State
	// Priority is the instance's effective priority. It is not looked at for a group, whose priority is told as 0, nor for
	// servers, which have none.
	Priority uint8
}

// priority is what is told: keepalived's groups have none.
func (e Event) priority() uint8 {
	if e.Subject.Kind == Group {
		return 0
	}
	return e.Priority
}

// line is what a FIFO gets.
func (e Event) line() string {
	if e.Subject.Kind.isServer() {
		return fmt.Sprintf("%s %s %s\n", e.Subject.Kind, e.Subject.Name, e.State)
	}
	return fmt.Sprintf("%s \"%s\" %s %d\n", e.Subject.Kind, e.Subject.Name, e.State, e.priority())
}
