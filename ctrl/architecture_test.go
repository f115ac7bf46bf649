package ctrl

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is the path of this module.
const module = "drover"

// imports are the packages of a program, each with what it imports itself.
type imports map[string][]string

// who lists what the packages of this module may import of it. Patterns are those of path.Match, inside the module.
var who = []struct{ from, may []string }{
	{[]string{"cmd/lab"}, []string{"ctrl", "ctrl/*", "dataplane", "bench/testbed"}},
	{[]string{"cmd/*"}, []string{"ctrl", "ctrl/*", "dataplane"}},
	{[]string{"bench/testbed", "bench/yardstick", "bench/plot"}, nil},
	{[]string{"bench/ipvs"}, []string{"dataplane"}},
	// What a change costs is for the planner's own work to show: ctrl.Rehearsal.
	{[]string{"bench"}, []string{"bench/*", "dataplane", "ctrl", "ctrl/*", "bpf"}},
	{[]string{"ctrl"}, []string{"ctrl/*", "dataplane"}},
	{[]string{"ctrl/*"}, nil}, // no part of the controller knows another: they meet in ctrl
	{[]string{"dataplane"}, []string{"bpf"}},
	{[]string{"bpf", "bpf/kernels", "bpf/kernels/init"}, nil},
}

// only lists who alone may import what comes from outside. Paths are prefixes of import paths.
var only = []struct {
	paths []string
	by    []string
}{
	{[]string{"github.com/cilium/ebpf"}, []string{"dataplane", "bpf", "bench", "bench/*"}},
	{
		[]string{"github.com/vishvananda/", "github.com/mdlayher/", "golang.org/x/net/bpf", "github.com/gopacket/"},
		[]string{"ctrl/netif", "bench/testbed"},
	},
	// The messages of ping and DNS, and their numbers: the sockets are netif's.
	{[]string{"golang.org/x/net/"}, []string{"ctrl/netif", "ctrl/health", "bench/testbed"}},
}

func TestPackagesImportOnlyWhatTheDesignAllows(t *testing.T) {
	for _, v := range violations(listImports(t)) {
		t.Error(v)
	}
}

func TestThePartsOfTheDesignAreThere(t *testing.T) {
	graph := listImports(t)
	for _, part := range []string{
		"bpf", "dataplane", "ctrl", "ctrl/config", "ctrl/vrrp", "ctrl/health", "ctrl/schedule", "ctrl/netif", "ctrl/api",
		"cmd/drover",
	} {
		if _, there := graph[module+"/"+part]; !there {
			t.Errorf("package %s is not listed: the rules for it hold nothing", part)
		}
	}
	if len(graph["github.com/cilium/ebpf"]) == 0 {
		t.Error("dependencies are not listed")
	}
}

// The rules themselves: each of these graphs breaks one.
func TestViolationsAreFound(t *testing.T) {
	const ebpf, netlink = "github.com/cilium/ebpf/link", "github.com/vishvananda/netlink"
	for name, test := range map[string]struct {
		from, to string
		allowed  bool
	}{
		"ctrl may use a part of it":               {"drover/ctrl", "drover/ctrl/vrrp", true},
		"ctrl must not use bpf":                   {"drover/ctrl", "drover/bpf", false},
		"ctrl must not use cilium/ebpf":           {"drover/ctrl", ebpf, false},
		"a part of ctrl must not use another":     {"drover/ctrl/api", "drover/ctrl/config", false},
		"a part of ctrl must not use ctrl":        {"drover/ctrl/vrrp", "drover/ctrl", false},
		"a part of ctrl must not use dataplane":   {"drover/ctrl/netif", "drover/dataplane", false},
		"dataplane must not use ctrl":             {"drover/dataplane", "drover/ctrl", false},
		"dataplane may use cilium/ebpf":           {"drover/dataplane", ebpf, true},
		"netif may use netlink":                   {"drover/ctrl/netif", netlink, true},
		"health must not use netlink":             {"drover/ctrl/health", netlink, false},
		"health may use messages of x/net":        {"drover/ctrl/health", "golang.org/x/net/icmp", true},
		"health must not filter packets":          {"drover/ctrl/health", "golang.org/x/net/bpf", false},
		"the daemon must not use the testbed":     {"drover/cmd/drover", "drover/bench/testbed", false},
		"the lab may use the testbed":             {"drover/cmd/lab", "drover/bench/testbed", true},
		"the lab must not use the benchmark":      {"drover/cmd/lab", "drover/bench", false},
		"the comparison may use dataplane":        {"drover/bench/ipvs", "drover/dataplane", true},
		"the comparison must not use ctrl":        {"drover/bench/ipvs", "drover/ctrl", false},
		"plots know nothing of the rest":          {"drover/bench/plot", "drover/bench", false},
		"the daemon must not use bpf":             {"drover/cmd/drover", "drover/bpf", false},
		"the testbed must not use the daemon":     {"drover/bench/testbed", "drover/ctrl", false},
		"a package of which no rule says a thing": {"drover/util", "drover/ctrl", false},
		"the standard library is for all":         {"drover/ctrl/vrrp", "time", true},
		"what a dependency uses is its matter":    {"github.com/vishvananda/netns", netlink, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := violations(imports{test.from: {test.to}}); (len(got) == 0) != test.allowed {
				t.Errorf("violations %q, want it allowed: %v", got, test.allowed)
			}
		})
	}
}

// violations says which imports are not as the design has them.
func violations(graph imports) []string {
	var found []string
	for from, list := range graph {
		inside, ours := strings.CutPrefix(from, module+"/")
		if !ours {
			continue
		}
		for _, to := range list {
			if !mayImport(inside, to) {
				found = append(found, fmt.Sprintf("%s must not import %s", from, to))
			}
		}
	}
	slices.Sort(found)
	return found
}

func mayImport(from, to string) bool {
	if inside, ours := strings.CutPrefix(to, module+"/"); ours {
		for _, rule := range who {
			if matches(rule.from, from) {
				return matches(rule.may, inside)
			}
		}
		return false
	}
	for _, rule := range only {
		belongs := slices.ContainsFunc(rule.paths, func(prefix string) bool { return strings.HasPrefix(to, prefix) })
		if belongs && !matches(rule.by, from) {
			return false
		}
	}
	return true
}

func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// listImports lists every package of the module and of what it depends on, without tests.
func listImports(t *testing.T) imports {
	t.Helper()
	var stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,Dir,GoFiles", module+"/...")
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.Bytes())
	}
	graph := make(imports)
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath, Dir  string
			Imports, GoFiles []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return graph
		} else if err != nil {
			t.Fatalf("read what go list says: %v", err)
		}
		graph[p.ImportPath] = p.Imports
		if strings.HasPrefix(p.ImportPath, module+"/") {
			dependOn(t, append(p.GoFiles, ".", ".."), p.Dir)
		}
	}
}

// dependOn tells go test, which remembers outcomes, that this one depends on files that only go list reads.
func dependOn(t *testing.T, files []string, dir string) {
	t.Helper()
	for _, file := range files {
		if _, err := os.Stat(filepath.Join(dir, file)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOnlyNetifAndTheTestbedOpenSocketsByHand(t *testing.T) {
	const stamps = "../bench/failoversocket.go" // has the kernel stamp what it measures
	byHand := []string{"Socket", "ListenIP", "DialIP", "ListenPacket"}
	for _, pattern := range []string{"*.go", "*/*.go", "../dataplane/*.go", "../cmd/*/*.go", "../bench/*.go"} {
		for name, file := range parseFiles(t, pattern) {
			if strings.HasPrefix(name, "netif/") || name == stamps {
				continue
			}
			names := importNames(file)
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && packageOf(s, names) != "" && slices.Contains(byHand, s.Sel.Name) {
					t.Errorf("%s uses %s.%s", name, packageOf(s, names), s.Sel.Name)
				}
				return true
			})
		}
	}
}
