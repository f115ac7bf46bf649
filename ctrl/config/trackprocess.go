package config

import "time"

// processDraft is a track process while its block is read.
type processDraft struct {
	TrackProcess
	quorumAt, maxAt Position
}

// maxQuorum is the largest number of processes in keepalived.
const maxQuorum = 65535

// longestProcessDelay is the longest delay in keepalived.
const longestProcessDelay = time.Hour

var trackProcessGrammar = grammar[processDraft]{
	block: "vrrp_track_process",
	served: map[string]keyword[processDraft]{
		"process": {min: 1, max: maxInt, needs: "the name of a process", read: func(_ *parser, s *statement, into *processDraft) {
			into.Command = nil
			for _, w := range s.args() {
				into.Command = append(into.Command, w.text)
			}
		}},
		"param_match": {max: 1, read: readParameterMatch},
		"weight": weightKeyword(maxFileWeight, func(t *processDraft, w weighting) {
			t.Weight, t.Reverse = w.weight, w.reverse
		}),
		"quorum": at(func(t *processDraft) *Position { return &t.quorumAt },
			integer(1, maxQuorum, func(t *processDraft) *int { return &t.Quorum })),
		"quorum_max": at(func(t *processDraft) *Position { return &t.maxAt },
			integer(0, maxQuorum, func(t *processDraft) *int { return &t.QuorumMax })),
		"fork_delay":      processDelay(func(t *processDraft, d time.Duration) { t.ForkDelay = d }),
		"terminate_delay": processDelay(func(t *processDraft, d time.Duration) { t.TerminateDelay = d }),
		"delay":           processDelay(func(t *processDraft, d time.Duration) { t.ForkDelay, t.TerminateDelay = d, d }),
		"full_command":    flag(func(t *processDraft) { t.FullCommand = true }),
	},
}

func processDelay(set func(*processDraft, time.Duration)) keyword[processDraft] {
	return keyword[processDraft]{min: 1, max: 1, read: func(p *parser, s *statement, into *processDraft) {
		if d, ok := p.seconds(s.keyword().text, s.args()[0], time.Microsecond, longestProcessDelay); ok {
			set(into, d)
		}
	}}
}

// readParameterMatch reads param_match [initial|partial]; without a value the
// parameters must be the same.
func readParameterMatch(p *parser, s *statement, into *processDraft) {
	into.Match = MatchExact
	if len(s.args()) == 0 {
		return
	}
	switch value := s.args()[0]; value.text {
	case "initial":
		into.Match = MatchInitial
	case "partial":
		into.Match = MatchPartial
	default:
		p.errorf(value.Position, "param_match %q is neither initial nor partial", value.text)
	}
}

// trackProcess reads a vrrp_track_process block.
func (p *parser) trackProcess(s *statement) {
	t, before := processDraft{TrackProcess: TrackProcess{
		Position:  s.keyword().Position,
		Name:      s.args()[0].text,
		Quorum:    1,
		QuorumMax: maxQuorum,
	}}, p.errors
	trackProcessGrammar.read(p, s.block.statements, &t)
	if p.errors == before {
		p.completeProcess(&t)
	}
	p.define(processKind, t.Name, tracked{t.Position, weighting{t.Weight, t.Reverse}, ""})
	p.config.TrackProcesses = append(p.config.TrackProcesses, t.TrackProcess)
}

// completeProcess turns what was written into what will be used.
func (p *parser) completeProcess(t *processDraft) {
	if len(t.Command) == 0 || t.Command[0] == "" {
		p.errorf(t.Position, "vrrp_track_process %s needs a process", t.Name)
		return
	}
	switch hasParameters := len(t.Command) > 1; {
	case hasParameters && t.Match == MatchAny:
		t.Match = MatchExact
	case !hasParameters && t.Match != MatchAny:
		// param_match of no parameters means that there must be none.
		t.Match = MatchExact
	}
	if t.Match != MatchAny {
		t.FullCommand = true
	}
	switch {
	case t.Quorum <= t.QuorumMax:
	case t.QuorumMax == 0 && !t.quorumAt.written():
		t.Quorum = 0
	default:
		p.errorf(t.maxAt, "quorum_max %d is below quorum %d: the process could never be up", t.QuorumMax, t.Quorum)
	}
}
