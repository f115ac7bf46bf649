package track

import (
	"slices"
	"strings"
)

// commLength is how much of a process's name the kernel keeps: TASK_COMM_LEN less the final zero byte.
const commLength = 15

// wantsCommandLine says whether the process's arguments must be looked at. Reading them may have to fetch swapped pages.
func (o ProcessOptions) wantsCommandLine() bool {
	return o.FullCommand || o.Parameters != AnyParameters
}

// matchesName compares /proc/PID/comm.
func (o ProcessOptions) matchesName(comm string) bool {
	name := o.Command[0]
	return comm == name[:min(len(name), commLength)]
}

// matchesCommandLine compares the arguments of a process.
func (o ProcessOptions) matchesCommandLine(arguments []string) bool {
	if len(arguments) == 0 || arguments[0] != o.Command[0] {
		return false
	}
	want, have := o.Command[1:], arguments[1:]
	switch o.Parameters {
	case ExactParameters:
		return slices.Equal(want, have)
	case PartialParameters:
		return len(have) >= len(want) && slices.Equal(want, have[:len(want)])
	case InitialParameters:
		return matchesInitially(want, have)
	default:
		return true
	}
}

// matchesInitially says whether have begins with want, the last of which may be the beginning of its counterpart.
func matchesInitially(want, have []string) bool {
	if len(want) == 0 {
		return true
	}
	last := len(want) - 1
	return len(have) > last && slices.Equal(want[:last], have[:last]) && strings.HasPrefix(have[last], want[last])
}
