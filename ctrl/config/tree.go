package config

// word is one word of a statement.
type word struct {
	Position
	text string
}

// statement is a keyword with its arguments and the block behind it, if any.
type statement struct {
	words []word
	block *block
}

// keyword returns the first word.
func (s *statement) keyword() word { return s.words[0] }

// args returns the words behind the first.
func (s *statement) args() []word { return s.words[1:] }

// block is what stands between two braces, or a whole configuration.
type block struct {
	// opened is the position of the opening brace.
	opened     Position
	statements []*statement
}

// tree builds blocks and statements out of tokens. A statement ends with its
// line or at a brace; the brace that opens its block may be on the next line.
type tree struct {
	*report
	root block

	// open are the blocks that are not closed yet, the innermost last, with
	// the statements that they belong to.
	open []*statement

	// current gets further words; last has just ended and may still get its
	// block.
	current, last *statement
}

// add takes the next token.
func (t *tree) add(next token) {
	switch next.kind {
	case wordToken:
		if t.current == nil {
			t.current = &statement{}
			inner := t.inner()
			inner.statements = append(inner.statements, t.current)
		}
		t.current.words = append(t.current.words, word{next.Position, next.text})
	case newlineToken:
		t.endStatement()
	case openToken:
		t.endStatement()
		t.openBlock(next.Position)
	case closeToken:
		t.endStatement()
		t.closeBlock(next.Position)
	}
}

// inner returns the innermost open block.
func (t *tree) inner() *block {
	if len(t.open) == 0 {
		return &t.root
	}
	return t.open[len(t.open)-1].block
}

func (t *tree) endStatement() {
	if t.current != nil {
		t.last, t.current = t.current, nil
	}
}

func (t *tree) openBlock(at Position) {
	owner := t.last
	if owner == nil {
		t.errorf(at, "stray \"{\": no keyword stands before it")
		owner = &statement{words: []word{{Position: at, text: "{"}}}
	}
	owner.block = &block{opened: at}
	t.open = append(t.open, owner)
	t.last = nil
}

func (t *tree) closeBlock(at Position) {
	t.last = nil
	if len(t.open) == 0 {
		t.errorf(at, "stray \"}\": no block is open here")
		return
	}
	t.open = t.open[:len(t.open)-1]
}

// finish returns the statements of the configuration. It finds blocks that are
// never closed, and what was probably meant to stand outside of them.
func (t *tree) finish() []*statement {
	if len(t.open) == 0 {
		return t.root.statements
	}
	for _, outer := range t.open {
		for _, inner := range outer.block.statements {
			if name := inner.keyword().text; inner.block != nil && topLevelBlocks[name] {
				t.errorf(outer.block.opened, "block %s is never closed: a \"}\" is missing, probably before %s at %s",
					outer.keyword().text, name, inner.keyword().Position)
				return nil
			}
		}
	}
	owner := t.open[len(t.open)-1]
	t.errorf(owner.block.opened, "block %s is never closed: a \"}\" is missing", owner.keyword().text)
	return nil
}

// topLevelBlocks never stand inside another block.
var topLevelBlocks = map[string]bool{
	"drover":               true,
	"global_defs":          true,
	"static_ipaddress":     true,
	"static_routes":        true,
	"static_rules":         true,
	"virtual_server":       true,
	"virtual_server_group": true,
	"vrrp_instance":        true,
	"vrrp_script":          true,
	"vrrp_sync_group":      true,
	"vrrp_track_process":   true,
}
