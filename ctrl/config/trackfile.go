package config

import (
	"math"
	"strings"
)

var trackFileGrammar = grammar[TrackFile]{
	block: "track_file",
	served: map[string]keyword[TrackFile]{
		"file": text(func(f *TrackFile) *string { return &f.Path }),
		"weight": weightKeyword(maxFileWeight, func(f *TrackFile, w weighting) {
			f.Weight, f.Reverse = w.weight, w.reverse
		}),
		"init_file": {max: 2, read: readInitFile},
	},
}

// readInitFile reads init_file [VALUE] [overwrite].
func readInitFile(p *parser, s *statement, into *TrackFile) {
	into.InitFile = true
	for _, w := range s.args()[:min(2, len(s.args()))] {
		if w.text == "overwrite" {
			into.Overwrite = true
			continue
		}
		if n, ok := p.integer("init_file", w, math.MinInt32, math.MaxInt32); ok {
			into.InitValue = n
		}
	}
}

// trackFile reads a track_file block.
func (p *parser) trackFile(s *statement) {
	f, before := TrackFile{Position: s.keyword().Position, Name: s.args()[0].text, Weight: 1}, p.errors
	trackFileGrammar.read(p, s.block.statements, &f)
	switch {
	case p.errors > before:
	case f.Path == "":
		p.errorf(f.Position, "track_file %s needs a file", f.Name)
	case !strings.HasPrefix(f.Path, "/"):
		p.warnf(f.Position, "file %s is relative to where Drover is started: write the whole path", f.Path)
	}
	p.define(fileKind, f.Name, tracked{f.Position, weighting{f.Weight, f.Reverse}, f.Path})
	p.config.TrackFiles = append(p.config.TrackFiles, f)
}
