package config

// fileDraft is a FILE_CHECK block while it is read.
type fileDraft struct {
	checkDraft
	FileCheck
	file word
}

var fileCheckGrammar = grammar[fileDraft]{
	block: "FILE_CHECK",
	served: map[string]keyword[fileDraft]{
		"track_file": {min: 1, max: 1, needs: "the name of a track_file", read: func(_ *parser, s *statement, into *fileDraft) {
			into.file = s.args()[0]
		}},
		"weight": {min: 1, max: 2, read: readFileWeight},
	},
	unserved: join(
		unserved("a weight other than 0 always changes the weight of the real server", "dynamic"),
		unserved("nothing is sent to the real server", "check_path"),
	),
}

// readFileWeight reads weight N [reverse|noreverse], where N may be larger than
// that of a track file for VRRP.
func readFileWeight(p *parser, s *statement, into *fileDraft) {
	n, ok := p.integer("weight", s.args()[0], -maxInt, maxInt)
	if !ok {
		return
	}
	into.Weight, into.Reverse = n, false
	if len(s.args()) < 2 {
		return
	}
	switch w := s.args()[1]; w.text {
	case "reverse":
		into.Reverse = true
	case "noreverse":
	default:
		p.errorf(w.Position, "unknown word %q behind a weight; known are reverse and noreverse", w.text)
	}
}

// fileCheck reads a FILE_CHECK block.
func (p *parser) fileCheck(s *statement, r *realDraft) Check {
	c, before := fileDraft{checkDraft: newCheck(s, r)}, p.errors
	fileCheckGrammar.read(p, s.block.statements, &c)
	file, known := p.tracked[fileKind][c.file.text]
	switch {
	case p.errors > before:
	case c.file.text == "":
		p.errorf(c.Position, "FILE_CHECK needs a track_file")
	case !known:
		p.absentf(c.file.Position, "there is no track_file %s%s", c.file.text, nearestName(p.report, c.file.text, p.tracked[fileKind]))
	}
	c.File = c.file.text
	c.Path = file.path
	if c.Weight == 0 {
		c.Weight, c.Reverse = file.weight, file.reverse
	}
	return p.complete(&c.checkDraft, kindDefaults{}, &c.FileCheck)
}
