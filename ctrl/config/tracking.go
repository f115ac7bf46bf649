package config

import "time"

// Tracking is what an instance or a sync group follows. What has weight 0 makes
// it faulty when it is down, or, with Reverse, when it is up. A positive weight
// is added to the priority while it is up, a negative one while it is down;
// Reverse turns the sign of what is added.
type Tracking struct {
	TrackInterfaces []TrackInterface

	// TrackScripts, TrackFiles and TrackProcesses name elements of Scripts,
	// TrackFiles and TrackProcesses of the Config, each at most once.
	TrackScripts   []Track
	TrackFiles     []Track
	TrackProcesses []Track
}

// TrackInterface is a tracked interface (track_interface).
type TrackInterface struct {
	Position
	Name string

	// Weight is -253 to 253. Default 0.
	Weight  int
	Reverse bool
}

// Track is a tracked script, file or process (track_script, track_file,
// track_process).
type Track struct {
	Position
	Name string

	// Weight and Reverse are those of this line, or else of what Name stands
	// for. Weight is -253 to 253 for a script, -254 to 254 for a file or a
	// process.
	Weight  int
	Reverse bool
}

// SyncGroup is a set of instances that change state together
// (vrrp_sync_group).
type SyncGroup struct {
	Position
	Name string

	// Members are the names of Instances, one or more, in the order of the
	// file (group).
	Members []string

	Tracking
	Notify Notify

	// TrackingWeight: the weights of what members track by themselves count
	// (sync_group_tracking_weight, global_tracking). Without it they are 0 in
	// the Tracking of each member already, and scripts with a weight are not
	// tracked there, as in keepalived.
	TrackingWeight bool
}

// Script is a command whose exit status can be tracked (vrrp_script): 0 is up.
type Script struct {
	Position
	Name string

	// Command is the program and its arguments, never empty. No shell is in
	// between.
	Command []string

	// Interval is the time between two starts, 1 s to 4294 s. Default 1 s.
	Interval time.Duration

	// Timeout is how long a run may take, 1 s to 4294 s. Default Interval.
	Timeout time.Duration

	// Rise and Fall are how many results in a row make it up or down, from
	// 1. Default 1.
	Rise, Fall int

	// Weight is -253 to 253, default 0. It and Reverse are resolved in every
	// Track already.
	Weight  int
	Reverse bool

	// User and Group are who runs it (user, or else script_user). Both empty:
	// keepalived_script if there is such a user, else Drover's own. Group
	// alone empty: the group of User.
	User, Group string

	// InitFail: it is down until it has succeeded (init_fail). Default false:
	// up until it has failed.
	InitFail bool
}

// TrackFile is a file that holds a number to track (track_file): with weight
// 0, 0 is up and all else is down; otherwise the number times the weight is
// added to the priority.
type TrackFile struct {
	Position
	Name string
	Path string

	// Weight is -254 to 254, default 1. It and Reverse are resolved in every
	// Track already.
	Weight  int
	Reverse bool

	// InitFile: the file is made at the start, with InitValue, if it is not
	// there, or with Overwrite if it is there, too (init_file).
	InitFile  bool
	InitValue int
	Overwrite bool
}

// TrackProcess is a process whose running can be tracked (vrrp_track_process):
// it is up while Quorum to QuorumMax processes match.
type TrackProcess struct {
	Position
	Name string

	// Command is the name of the process and its parameters (process), never
	// empty.
	Command []string

	// FullCommand: Command is compared with the command line of a process
	// (full_command), else its first word with the name of the process. With
	// parameters or a Match other than MatchName it is always true.
	FullCommand bool

	// Match says how parameters are compared (param_match).
	Match ParameterMatch

	// Weight is -254 to 254, default 0. It and Reverse are resolved in every
	// Track already.
	Weight  int
	Reverse bool

	// Quorum and QuorumMax are the least and the largest number of processes,
	// both from 0. Default 1 and 65535.
	Quorum, QuorumMax int

	// ForkDelay and TerminateDelay are how long the number must be right, or
	// wrong, before that counts, 0 to 3600 s (fork_delay, terminate_delay,
	// delay). Default 0.
	ForkDelay, TerminateDelay time.Duration
}

// ParameterMatch says how the parameters of a TrackProcess are compared.
type ParameterMatch int

// The ways to compare parameters.
const (
	// MatchAny: any parameters are right. The default without parameters.
	MatchAny ParameterMatch = iota

	// MatchExact: the parameters are these. The default with parameters.
	MatchExact

	// MatchPartial: the first parameters are these, others may follow.
	MatchPartial

	// MatchInitial: the parameters are these, but the last may be longer.
	MatchInitial
)
