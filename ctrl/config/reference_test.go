package config

import (
	"os"
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestReferenceConfiguration holds the complete reference to its word: it has
// no finding, it shows every keyword that is served, and all are explained.
func TestReferenceConfiguration(t *testing.T) {
	config, findings := Load("reference.conf", directory("testdata"))
	if len(findings) > 0 {
		t.Fatalf("found\n%s", lines(findings))
	}
	t.Run("reads into the values that it writes", func(t *testing.T) {
		if d := difference(*config, referenceConfig()); d != "" {
			t.Error(d)
		}
	})

	text, err := os.ReadFile("testdata/reference.conf")
	if err != nil {
		t.Fatal(err)
	}
	found := &report{}
	tree := &tree{report: found}
	for _, token := range tokensOf(found, string(text), Position{"reference.conf", 1, 1}) {
		tree.add(token)
	}
	explained := explainedKeywords(tree.finish(), strings.Split(string(text), "\n"))
	for block, keywords := range keywordClasses() {
		t.Run("explains every keyword of "+block, func(t *testing.T) {
			for keyword, class := range keywords {
				if class == served && !explained[block+"/"+keyword] {
					t.Errorf("%s does not stand below a comment in %s", keyword, block)
				}
			}
		})
	}
}

// explainedKeywords returns BLOCK/KEYWORD for every statement that has a comment
// above it, with nothing but statements between them.
func explainedKeywords(statements []*statement, text []string) map[string]bool {
	explained := map[string]bool{}
	var walk func(block string, statements []*statement)
	walk = func(block string, statements []*statement) {
		for _, s := range statements {
			name := s.keyword()
			for line := name.Line - 2; line >= 0 && strings.TrimSpace(text[line]) != ""; line-- {
				if strings.HasPrefix(strings.TrimSpace(text[line]), "#") {
					explained[block+"/"+name.text] = true
				}
			}
			if s.block != nil {
				walk(name.text, s.block.statements)
			}
		}
	}
	walk("", statements)
	return explained
}

// withoutPositions returns a copy without positions, to compare values only.
func withoutPositions(c Config) Config {
	c.interfaces = nil
	clearPositions(reflect.ValueOf(&c).Elem())
	return c
}

// clearPositions clears every Position below a value.
func clearPositions(v reflect.Value) {
	if v.Type() == reflect.TypeFor[Position]() {
		v.SetZero()
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			clearPositions(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			clearPositions(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				clearPositions(v.Field(i))
			}
		}
	}
}

func referenceConfig() Config {
	c := referenceTracking()
	c.RouterID = "u109lb11"
	c.Instances = []Instance{referenceInstance(), quietInstance(), cloudInstance(), sixInstance()}
	c.VirtualServers = referenceServers()
	c.LVSTimeouts = LVSTimeouts{TCP: 2 * time.Hour, UDP: time.Minute}
	c.SSL = referenceCredentials()
	c.RsInitNotifies = true
	c.DynamicInterfaces = true
	c.LVSNotifyFIFO = FIFO{Path: "/run/drover-lvs.fifo", Script: &NotifyScript{Command: []string{"/bin/cat"}, User: "root", Group: "root"}}
	c.Drover = Drover{Flows: 65536}
	return c
}

// tokensOf returns all tokens of a text, which begins at a position.
func tokensOf(r *report, text string, at Position) []token {
	l := lexer{report: r, text: text, at: at}
	var all []token
	for !l.ended {
		all = append(all, l.line()...)
	}
	return all
}
