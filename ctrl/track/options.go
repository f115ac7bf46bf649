package track

import "time"

// Options are all trackers that some instance or sync group uses. keepalived neither runs nor reads what nobody tracks,
// so whoever fills this in leaves such trackers out.
type Options struct {
	Scripts   []ScriptOptions
	Files     []FileOptions
	Processes []ProcessOptions
}

// ScriptOptions are one vrrp_script. Defaults are for whoever reads the configuration to fill in.
type ScriptOptions struct {
	Name string
	// Command is the program and its arguments; no shell sees them.
	Command []string
	// User and Group are names to run as. Empty means what the runner's default is.
	User, Group string
	// Interval is the time from one start to the next: interval, default 1 s. Above 0.
	Interval time.Duration
	// Timeout is how long a run may take before it counts as failed and is ended: timeout. 0 means Interval.
	Timeout time.Duration
	// Rise and Fall are how many runs in a row must pass or fail for a change: rise, fall, default 1. At least 1.
	// The first run of all decides alone, unless InitFail.
	Rise, Fall int
	// InitFail makes the script count as down until it has passed Rise times: init_fail.
	InitFail bool
}

// FileOptions are one track_file.
type FileOptions struct {
	Name string
	// Path is the file that holds the number. Absent, it counts as 0.
	Path string
	// Init is what to write to the file when it is first watched, or nil: init_file.
	Init *FileInit
}

// FileInit is keepalived's init_file [VALUE] [overwrite].
type FileInit struct {
	Value int
	// Overwrite writes the value even if the file exists.
	Overwrite bool
}

// ProcessOptions are one vrrp_track_process.
type ProcessOptions struct {
	Name string
	// Command is the process's name, as in /proc/PID/comm, or its first argument if FullCommand or with parameters.
	// What follows are parameters, see Parameters.
	Command []string
	// FullCommand compares Command[0] with what the process was called as: full_command.
	FullCommand bool
	// Parameters says how a process's parameters must compare with Command[1:]: param_match.
	Parameters ParameterMatch
	// Minimum and Maximum are how many such processes must run: quorum, default 1, and quorum_max, math.MaxInt where
	// the configuration has none. A Maximum of 0 means that none may run.
	Minimum, Maximum int
	// ForkDelay is how long a change must last that more processes made, TerminateDelay one that fewer made:
	// fork_delay, terminate_delay.
	ForkDelay, TerminateDelay time.Duration
}

// ParameterMatch is a param_match.
type ParameterMatch uint8

const (
	// AnyParameters does not look at the parameters.
	AnyParameters ParameterMatch = iota
	// ExactParameters wants just these: param_match without a word, and what parameters in the configuration mean.
	ExactParameters
	// PartialParameters wants these first: param_match partial.
	PartialParameters
	// InitialParameters wants these first, the last of which may go on: param_match initial.
	InitialParameters
)
