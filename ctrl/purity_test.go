package ctrl

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
)

// pure are the files that open no file or socket, read no clock and start no goroutine.
var pure = []string{
	"plan.go", "layout.go", "roster.go", "outlet.go", "place.go", "capacity.go", "identity.go", "known.go", "claims.go",
	"member.go", "proof.go", "quorum.go", "checkspec.go", "recall.go", "findings.go", "doctor.go", "doctorhost.go",
	"fitness.go", "lowering.go", "lateness.go", "share.go", "routersettings.go",
	"config/*.go", "vrrp/*.go", "health/tracker.go", "health/kind.go", "health/weight.go", "health/diagnosis.go",
	"schedule/*.go", "suspect/*.go",
	"track/sum.go", "track/threshold.go", "track/quorum.go", "track/match.go", "track/number.go", "track/options.go",
	"notify/event.go", "notify/commands.go", "notify/backlog.go",
}

// impurePackages must not be imported by a pure file, nor what is below them.
var impurePackages = []string{
	"os", "os/exec", "os/signal", "syscall", "golang.org/x/sys", "net/http", "log", "log/slog", "io/ioutil", "unsafe", "context",
	"math/rand", "crypto/rand", "runtime", "sync",
}

// allowedOf lists all that a pure file may use of a package; impureOf what it must not use of another one.
var (
	allowedOf = map[string][]string{
		"net":          {"HardwareAddr"},
		"math/rand/v2": {"Rand", "New", "NewPCG"}, // what is drawn follows from the seed
	}
	impureOf = map[string][]string{
		"time":          {"Now", "Since", "Until", "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker"},
		"path/filepath": {"Abs", "EvalSymlinks", "Glob", "Walk", "WalkDir"},
		"drover/ctrl/netif": {
			"Link", "Interfaces", "OpenARP", "OpenVRRP", "NewResolver", "AddAddress", "RemoveAddress", "InterfaceFor",
			"PrimaryAddress", "WatchLinks", "WatchAddresses",
		},
		"drover/dataplane": {"Open"},
	}
)

func TestPureFilesTouchNothingOutside(t *testing.T) {
	for _, pattern := range pure {
		for name, file := range parseFiles(t, pattern) {
			for _, what := range impurities(file) {
				t.Errorf("%s: %s", name, what)
			}
		}
	}
}

// The rules themselves.
func TestImpuritiesAreFound(t *testing.T) {
	for source, impure := range map[string]bool{
		`import "time"; var x time.Time`:                                       false,
		`import "time"; func f(now time.Time) time.Time { return now.Add(1) }`: false,
		`import "time"; var x = time.Now()`:                                    true,
		`import clock "time"; var x = clock.Now`:                               true,
		`import . "time"; var x = Now()`:                                       true,
		`import "net"; var x net.HardwareAddr`:                                 false,
		`import "net"; var x, _ = net.Dial("udp", "")`:                         true,
		`import "net/netip"; var x netip.Addr`:                                 false,
		`import "net/http"`:                                                    true,
		`import "os"`:                                                          true,
		`import "golang.org/x/sys/unix"`:                                       true,
		`import "math/rand"`:                                                   true,
		`import "math/rand/v2"; var x = rand.Int()`:                            true,
		`import "math/rand/v2"; var x = rand.New(rand.NewPCG(1, 2))`:           false,
		`import "path/filepath"; var x = filepath.Join("a", "b")`:              false,
		`import "path/filepath"; var x, _ = filepath.Glob("*")`:                true,
		`func f() { go f() }`:                                                  true,
		`import "drover/dataplane"; var x dataplane.Tables`:                    false,
		`import "drover/dataplane"; var x, _ = dataplane.Open(nil)`:            true,
		`import "drover/ctrl/netif"; var x, _ = netif.Link("enp1s0")`:          true,
	} {
		file, err := parser.ParseFile(token.NewFileSet(), "x.go", "package x; "+source, 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := impurities(file); (len(got) > 0) != impure {
			t.Errorf("%s\nfound %q, want something: %v", source, got, impure)
		}
	}
}

// impurities says what in a file is not pure.
func impurities(file *ast.File) []string {
	var found []string
	names := importNames(file)
	for name, from := range names {
		below := func(p string) bool { return from == p || strings.HasPrefix(from, p+"/") }
		if name == "." || allowedOf[from] == nil && slices.ContainsFunc(impurePackages, below) {
			found = append(found, "imports "+from)
		}
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			found = append(found, "starts a goroutine")
		case *ast.SelectorExpr:
			from := packageOf(n, names)
			allowed, listed := allowedOf[from]
			if listed && !slices.Contains(allowed, n.Sel.Name) || slices.Contains(impureOf[from], n.Sel.Name) {
				found = append(found, fmt.Sprintf("uses %s.%s", from, n.Sel.Name))
			}
		}
		return true
	})
	return found
}
