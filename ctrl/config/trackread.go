package config

// weighting is what stands behind what is tracked: weight N [reverse|noreverse].
type weighting struct {
	weight  int
	reverse bool
}

// The largest weights in keepalived. A file's and a process's can be one more,
// so that with -254 nobody stays in the election.
const (
	maxScriptWeight = 253
	maxFileWeight   = 254
)

// weighting reads weight N [reverse|noreverse], where what is not written is
// that of before.
func (p *parser) weighting(words []word, limit int, before weighting) weighting {
	keyword := words[0]
	if keyword.text != "weight" {
		p.errorf(keyword.Position, "unknown word %q; known is weight, with a number", keyword.text)
		return before
	}
	if len(words) < 2 {
		p.errorf(keyword.Position, "weight needs a value")
		return before
	}
	n, ok := p.integer("weight", words[1], -maxFileWeight, maxFileWeight)
	if !ok {
		return before
	}
	if clipped := min(max(n, -limit), limit); clipped != n {
		p.warnf(words[1].Position, "weight %d is too large: %d is used", n, clipped)
		n = clipped
	}
	before.weight = n
	for _, w := range words[2:] {
		switch w.text {
		case "reverse":
			before.reverse = true
		case "noreverse":
			before.reverse = false
		default:
			p.errorf(w.Position, "unknown word %q behind a weight; known are reverse and noreverse", w.text)
		}
	}
	return before
}

// weightKeyword reads the weight in the block of what can be tracked, where
// keepalived cuts nothing.
func weightKeyword[T any](limit int, set func(*T, weighting)) keyword[T] {
	return keyword[T]{min: 1, max: 2, read: func(p *parser, s *statement, into *T) {
		if _, ok := p.integer("weight", s.args()[0], -limit, limit); !ok {
			return
		}
		set(into, p.weighting(s.words[:min(3, len(s.words))], limit, weighting{}))
	}}
}

// trackKind is a kind of what is tracked by name.
type trackKind struct {
	// block is the keyword of the blocks that define it.
	block string

	// limit is the largest weight.
	limit int
}

var (
	scriptKind  = trackKind{"vrrp_script", maxScriptWeight}
	fileKind    = trackKind{"track_file", maxFileWeight}
	processKind = trackKind{"vrrp_track_process", maxFileWeight}
)

// tracked is what a line of a list may name.
type tracked struct {
	Position
	weighting

	// path is that of a file.
	path string
}

// define notes the name of what can be tracked.
func (p *parser) define(kind trackKind, name string, t tracked) {
	if other, ok := p.tracked[kind][name]; ok {
		p.errorf(t.Position, "%s %s is already defined at %s", kind.block, name, other.Position)
		return
	}
	if p.tracked[kind] == nil {
		p.tracked[kind] = map[string]tracked{}
	}
	p.tracked[kind][name] = t
}

// trackingKeywords are the lists of what an instance or a group tracks.
func trackingKeywords[T any](tracking func(*T) *Tracking) map[string]keyword[T] {
	list := func(kind trackKind, field func(*Tracking) *[]Track) keyword[T] {
		return keyword[T]{block: true, read: func(p *parser, s *statement, into *T) {
			for _, line := range s.block.statements {
				p.trackLine(line, kind, field(tracking(into)))
			}
		}}
	}
	return map[string]keyword[T]{
		"track_interface": {block: true, read: func(p *parser, s *statement, into *T) {
			for _, line := range s.block.statements {
				p.trackInterfaceLine(line, tracking(into))
			}
		}},
		"track_script":  list(scriptKind, func(t *Tracking) *[]Track { return &t.TrackScripts }),
		"track_file":    list(fileKind, func(t *Tracking) *[]Track { return &t.TrackFiles }),
		"track_process": list(processKind, func(t *Tracking) *[]Track { return &t.TrackProcesses }),
	}
}

// listed is a name in a list, which a pointer stands for.
type listed struct {
	list any
	name string
}

// isListed reports whether a list of what is tracked has a name already, and notes
// that it has it now.
func (p *parser) isListed(list any, name word) bool {
	other, ok := p.listed[listed{list, name.text}]
	if ok {
		p.warnf(name.Position, "%s is passed over: it is tracked already, at %s", name.text, other)
	} else {
		p.listed[listed{list, name.text}] = name.Position
	}
	return ok
}

// trackLine reads NAME [weight N [reverse|noreverse]]. What is not written is as
// where NAME is defined.
func (p *parser) trackLine(line *statement, kind trackKind, list *[]Track) {
	name := line.keyword()
	if p.refuseBlock(line) {
		return
	}
	definition, ok := p.tracked[kind][name.text]
	if !ok {
		p.absentf(name.Position, "there is no %s %s%s", kind.block, name.text, nearestName(p.report, name.text, p.tracked[kind]))
		return
	}
	if p.isListed(list, name) {
		return
	}
	w := definition.weighting
	if len(line.args()) > 0 {
		w = p.weighting(line.args(), kind.limit, w)
	}
	*list = append(*list, Track{name.Position, name.text, w.weight, w.reverse})
}

// trackInterfaceLine reads INTERFACE [weight N [reverse|noreverse]].
func (p *parser) trackInterfaceLine(line *statement, into *Tracking) {
	name := line.keyword()
	if p.refuseBlock(line) {
		return
	}
	if p.isListed(&into.TrackInterfaces, name) {
		return
	}
	var w weighting
	if len(line.args()) > 0 {
		w = p.weighting(line.args(), maxScriptWeight, w)
	}
	into.TrackInterfaces = append(into.TrackInterfaces, TrackInterface{name.Position, name.text, w.weight, w.reverse})
}
