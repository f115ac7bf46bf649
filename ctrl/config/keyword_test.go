package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// TestKeepalivedKeywordsAreKnown looks every keyword of testdata/keywords.txt up
// in the table of its block.
func TestKeepalivedKeywordsAreKnown(t *testing.T) {
	text, err := os.ReadFile("testdata/keywords.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for _, v := range vocabularies() {
		known[v.block] = v.words
	}
	block, count := "", 0
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
			continue
		case line[0] != ' ':
			block = strings.Trim(line, "-\n")
			if known[block] == nil {
				t.Errorf("there is no table for block %q", block)
			}
			continue
		}
		for keyword := range strings.FieldsSeq(line) {
			count++
			if !slices.Contains(known[block], keyword) {
				t.Errorf("%s is unknown in block %q", keyword, block)
			}
		}
	}
	if count < 250 {
		t.Errorf("only %d keywords in the list", count)
	}
}

// TestKeywordsThatAreNotServed uses every keyword that is not served, with an
// argument and a block, where it belongs.
func TestKeywordsThatAreNotServed(t *testing.T) {
	testNotServed(t, documentGrammar)
	testNotServed(t, globalsGrammar)
	testNotServed(t, instanceGrammar)
	testNotServed(t, syncGroupGrammar)
	testNotServed(t, virtualServerGrammar)
	testNotServed(t, realServerGrammar)
	testNotServed(t, httpCheckGrammar)
	testNotServed(t, fileCheckGrammar)
	testNotServed(t, urlGrammar)
}

func testNotServed[T any](t *testing.T, g grammar[T]) {
	for keyword, consequence := range g.unserved {
		t.Run(g.block+" "+keyword, func(t *testing.T) {
			statements, _ := readTree(memory{"main": keyword + " argument {\n  anything goes {\n  }\n}\n"})
			p := newParser(&report{})
			g.read(p, statements, new(T))
			want := "main:1:1: warning: " + keyword + " is not served: " + consequence + "\n"
			if got := lines(p.findings); got != want {
				t.Errorf("found\n%swant\n%s", got, want)
			}
			if _, both := g.served[keyword]; both {
				t.Error("is in the table of served keywords, too")
			}
		})
	}
}
