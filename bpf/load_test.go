package bpf

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
)

// budget is how many instructions the verifier may process. It gives up at a million, and what it counts grows fast with
// careless changes and from one compiler to the next.
const budget = 20_000

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		skip(t, "needs root to load BPF programs")
	}
}

func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("DROVER_TEST_STRICT") == "1" {
		t.Fatal(reason + ", and DROVER_TEST_STRICT forbids to skip")
	}
	t.Skip(reason)
}

func TestTheCommittedObjectLoadsWithinTheBudget(t *testing.T) {
	requireRoot(t)
	spec, err := LoadDrover()
	if err != nil {
		t.Fatal(err)
	}
	load(t, spec)
}

func TestEveryCompilersObjectLoadsWithinTheBudget(t *testing.T) {
	requireRoot(t)
	flags := compilerFlags(t)
	for _, compiler := range []string{"clang-14", "clang-16", "clang-19"} {
		t.Run(compiler, func(t *testing.T) {
			if _, err := exec.LookPath(compiler); err != nil {
				skip(t, "needs "+compiler)
			}
			object := filepath.Join(t.TempDir(), "drover.o")
			args := append([]string{"-target", "bpfel", "-c", "drover.bpf.c", "-o", object}, flags...)
			if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			spec, err := ebpf.LoadCollectionSpec(object)
			if err != nil {
				t.Fatal(err)
			}
			load(t, spec)
		})
	}
}

// compilerFlags are those of the go:generate line.
func compilerFlags(t *testing.T) []string {
	t.Helper()
	source, err := os.ReadFile("gen.go")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^//go:generate .* -- (.*)$`).FindStringSubmatch(string(source))
	if line == nil {
		t.Fatal("gen.go has no go:generate line with flags of the compiler")
	}
	return strings.Fields(line[1])
}

// load loads every program and holds the verifier's effort to the budget.
func load(t *testing.T, spec *ebpf.CollectionSpec) {
	t.Helper()
	const buckets = 256
	spec.Maps[DroverMapFlows].MaxEntries = buckets
	if err := spec.Variables[DroverVarFlowMask].Set(uint32(buckets - 1)); err != nil {
		t.Fatal(err)
	}
	opts := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats}}
	collection, err := ebpf.NewCollectionWithOptions(spec, opts)
	if err != nil {
		t.Fatalf("%+v", err)
	}
	defer collection.Close()
	for _, name := range []string{DroverProgDrover, DroverProgReadClock} {
		if processed := processedInstructions(t, collection.Programs[name]); processed > budget {
			t.Errorf("the verifier processes %d instructions of %s, more than %d", processed, name, budget)
		} else {
			t.Logf("the verifier processes %d instructions of %s", processed, name)
		}
	}
}

// processedInstructions reads the verifier's own count; the one of program info needs Linux 5.16.
func processedInstructions(t *testing.T, program *ebpf.Program) int {
	t.Helper()
	found := regexp.MustCompile(`processed (\d+) insns`).FindStringSubmatch(program.VerifierLog)
	if found == nil {
		t.Fatalf("no count in the verifier's log: %q", program.VerifierLog)
	}
	processed, err := strconv.Atoi(found[1])
	if err != nil {
		t.Fatal(err)
	}
	return processed
}
