package config

import (
	"os"
	"slices"
	"strings"
	"testing"
)

// The classes of keywords.
const (
	served     = "served"
	passedOver = "passed over"
	refusedToo = "refused"
)

// keywordClasses returns the class of every keyword, by block.
func keywordClasses() map[string]map[string]string {
	return map[string]map[string]string{
		"":                   classesOf(documentGrammar),
		"global_defs":        classesOf(globalsGrammar),
		"vrrp_script":        classesOf(scriptGrammar),
		"track_file":         classesOf(trackFileGrammar),
		"vrrp_track_process": classesOf(trackProcessGrammar),
		"vrrp_sync_group":    classesOf(syncGroupGrammar),
		"vrrp_instance":      classesOf(instanceGrammar),
		"authentication":     classesOf(authenticationGrammar),
		"virtual_server":     classesOf(virtualServerGrammar),
		"real_server":        classesOf(realServerGrammar),
		"SSL":                classesOf(credentialsGrammar),
		"HTTP_GET":           classesOf(httpCheckGrammar),
		"SSL_GET":            classesOf(sslCheckGrammar),
		"url":                classesOf(urlGrammar),
		"TCP_CHECK":          classesOf(tcpCheckGrammar),
		"PING_CHECK":         classesOf(pingCheckGrammar),
		"UDP_CHECK":          classesOf(udpCheckGrammar),
		"DNS_CHECK":          classesOf(dnsCheckGrammar),
		"SMTP_CHECK":         classesOf(smtpCheckGrammar),
		"host":               classesOf(smtpHostGrammar),
		"MISC_CHECK":         classesOf(miscCheckGrammar),
		"FILE_CHECK":         classesOf(fileCheckGrammar),
		"drover":             classesOf(droverGrammar),
	}
}

func classesOf[T any](g grammar[T]) map[string]string {
	classes := map[string]string{}
	for name := range g.served {
		classes[name] = served
	}
	for name := range g.unserved {
		classes[name] = passedOver
	}
	for name := range g.refused {
		classes[name] = refusedToo
	}
	return classes
}

// TestClassesOfKeywords compares the class of every keyword with the one that
// testdata/keywords.txt gives it, which has all of keepalived's keywords.
func TestClassesOfKeywords(t *testing.T) {
	got := keywordClasses()
	if len(got) != len(vocabularies()) {
		t.Errorf("%d blocks, want %d", len(got), len(vocabularies()))
	}
	want := listedClasses(t)
	for block, classes := range want {
		for keyword, class := range classes {
			if got[block][keyword] != class {
				t.Errorf("%s in block %q is %q, want %q", keyword, block, got[block][keyword], class)
			}
		}
	}
	own := []string{"drover", "check_path", "slow_start"}
	for block, classes := range got {
		for keyword := range classes {
			if want[block][keyword] == "" && block != "drover" && !slices.Contains(own, keyword) {
				t.Errorf("%s in block %q is not in the list", keyword, block)
			}
		}
	}
}

// listedClasses reads testdata/keywords.txt.
func listedClasses(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("testdata/keywords.txt")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]map[string]string{}
	block, class := "", ""
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "":
		case line[0] != ' ':
			block = strings.Trim(line, "-\n")
			listed[block] = map[string]string{}
		case !strings.HasPrefix(line, "    "):
			class = strings.TrimSpace(line)
		default:
			for keyword := range strings.FieldsSeq(line) {
				listed[block][keyword] = class
			}
		}
	}
	return listed
}

// TestKeywordsThatAreNotServed uses every keyword that is passed over or refused,
// with an argument and a block, where it belongs.
func TestKeywordsThatAreNotServed(t *testing.T) {
	testNotServed(t, documentGrammar)
	testNotServed(t, globalsGrammar)
	testNotServed(t, instanceGrammar)
	testNotServed(t, syncGroupGrammar)
	testNotServed(t, virtualServerGrammar)
	testNotServed(t, realServerGrammar)
	testNotServed(t, httpCheckGrammar)
	testNotServed(t, miscCheckGrammar)
	testNotServed(t, fileCheckGrammar)
	testNotServed(t, urlGrammar)
}

func testNotServed[T any](t *testing.T, g grammar[T]) {
	said := map[string]string{}
	for keyword, consequence := range g.unserved {
		said[keyword] = "warning: " + keyword + " is not served: " + consequence
	}
	for keyword, reason := range g.refused {
		said[keyword] = "error: " + keyword + " is refused: " + reason
	}
	for keyword, text := range said {
		t.Run(g.block+" "+keyword, func(t *testing.T) {
			statements, _ := readTree(memory{"main": keyword + " argument {\n  anything goes {\n  }\n}\n"})
			p := newParser(&report{})
			g.read(p, statements, new(T))
			want := "main:1:1: " + text + "\n"
			if got := lines(p.findings); got != want {
				t.Errorf("found\n%swant\n%s", got, want)
			}
			if _, both := g.served[keyword]; both {
				t.Error("is in the table of served keywords, too")
			}
		})
	}
}
