package config

// Notify is who is told of changes of state; nil is nobody.
type Notify struct {
	// Master, Backup, Fault and Stop run in that state (notify_master,
	// notify_backup, notify_fault, notify_stop).
	Master, Backup, Fault, Stop *NotifyScript

	// Deleted is not nil if an instance that a reload takes away is told as
	// DELETED instead of FAULT (notify_deleted). Its Command may be empty.
	// Instances only.
	Deleted *NotifyScript

	// LowerPriority runs when the master hears an advert of lower priority
	// (notify_master_rx_lower_pri). Instances only.
	LowerPriority *NotifyScript

	// Any runs after the others in every state, with INSTANCE or GROUP, the
	// name, the state and the priority as further arguments (notify).
	Any *NotifyScript
}

// NotifyScript is a command that is run when something happens.
type NotifyScript struct {
	Position

	// Command is the program and its arguments. No shell is in between.
	Command []string

	// User and Group are who runs it, as in Script.
	User, Group string
}

// FIFO is a named pipe that gets events, a line each (notify_fifo,
// vrrp_notify_fifo).
type FIFO struct {
	Position

	// Path is empty if there is none.
	Path string

	// User and Group own the pipe when Drover makes it; empty for Drover's
	// own.
	User, Group string

	// Script reads the pipe; its last argument is Path (notify_fifo_script,
	// vrrp_notify_fifo_script). nil if Drover runs none.
	Script *NotifyScript
}
