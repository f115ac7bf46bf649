package dataplane

import (
	"fmt"
	"strings"

	"drover/bpf"
)

// Verdict says what the program did with a packet, and why.
type Verdict bpf.DroverVerdict

// Verdicts of the program; bpf/verdict.h explains each.
const (
	PassNotIP          = Verdict(bpf.DroverVerdictPASS_NOT_IP)
	PassOtherHost      = Verdict(bpf.DroverVerdictPASS_OTHER_HOST)
	PassMalformed      = Verdict(bpf.DroverVerdictPASS_MALFORMED)
	PassProtocol       = Verdict(bpf.DroverVerdictPASS_PROTOCOL)
	PassFragment       = Verdict(bpf.DroverVerdictPASS_FRAGMENT)
	PassNoService      = Verdict(bpf.DroverVerdictPASS_NO_SERVICE)
	PassClosed         = Verdict(bpf.DroverVerdictPASS_CLOSED)
	PassNoReal         = Verdict(bpf.DroverVerdictPASS_NO_REAL)
	PassNeighbor       = Verdict(bpf.DroverVerdictPASS_NEIGHBOR)
	PassLocal          = Verdict(bpf.DroverVerdictPASS_LOCAL)
	PassPeer           = Verdict(bpf.DroverVerdictPASS_PEER)
	PassProbe          = Verdict(bpf.DroverVerdictPASS_PROBE)
	DropSilent         = Verdict(bpf.DroverVerdictDROP_SILENT)
	DropTooBig         = Verdict(bpf.DroverVerdictDROP_TOO_BIG)
	DropRefused        = Verdict(bpf.DroverVerdictDROP_REFUSED)
	DropLoop           = Verdict(bpf.DroverVerdictDROP_LOOP)
	ForwardFlow        = Verdict(bpf.DroverVerdictFORWARD_FLOW)
	ForwardNew         = Verdict(bpf.DroverVerdictFORWARD_NEW)
	ForwardRescheduled = Verdict(bpf.DroverVerdictFORWARD_RESCHEDULED)
	ForwardResumed     = Verdict(bpf.DroverVerdictFORWARD_RESUMED)
	ForwardUntracked   = Verdict(bpf.DroverVerdictFORWARD_UNTRACKED)
	ForwardFragment    = Verdict(bpf.DroverVerdictFORWARD_FRAGMENT)
	ForwardError       = Verdict(bpf.DroverVerdictFORWARD_ERROR)
	ForwardGrace       = Verdict(bpf.DroverVerdictFORWARD_GRACE)

	firstVerdict = PassNotIP
	endVerdict   = Verdict(bpf.DroverVerdictVERDICTS)
)

var verdictNames = map[Verdict]string{
	PassNotIP:          "pass-not-ip",
	PassOtherHost:      "pass-other-host",
	PassMalformed:      "pass-malformed",
	PassProtocol:       "pass-protocol",
	PassFragment:       "pass-fragment",
	PassNoService:      "pass-no-service",
	PassClosed:         "pass-closed",
	PassNoReal:         "pass-no-real",
	PassNeighbor:       "pass-neighbor",
	PassLocal:          "pass-local",
	PassPeer:           "pass-peer",
	PassProbe:          "pass-probe",
	DropSilent:         "drop-silent",
	DropTooBig:         "drop-too-big",
	DropRefused:        "drop-refused",
	DropLoop:           "drop-loop",
	ForwardFlow:        "forward-flow",
	ForwardNew:         "forward-new",
	ForwardRescheduled: "forward-rescheduled",
	ForwardResumed:     "forward-resumed",
	ForwardUntracked:   "forward-untracked",
	ForwardFragment:    "forward-fragment",
	ForwardError:       "forward-error",
	ForwardGrace:       "forward-grace",
}

func (v Verdict) String() string {
	if name, known := verdictNames[v]; known {
		return name
	}
	return fmt.Sprintf("verdict-%d", uint32(v))
}

// Forwards tells whether packets with this verdict went to a real server.
func (v Verdict) Forwards() bool { return strings.HasPrefix(v.String(), "forward-") }

// Verdicts counts the packets of each verdict on all interfaces since the tables were made.
func (d *DataPlane) Verdicts() (map[Verdict]uint64, error) {
	d.growing.RLock()
	defer d.growing.RUnlock()
	return countsOf(d.objects.Verdicts, firstVerdict, endVerdict)
}
