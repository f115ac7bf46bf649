package bpf

import (
	"cmp"
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
const budget = 30_000

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
	for _, compiler := range []string{"clang-14", "clang-16", "clang-19"} {
		t.Run(compiler, func(t *testing.T) {
			spec, err := ebpf.LoadCollectionSpec(objectOf(t, compiler))
			if err != nil {
				t.Fatal(err)
			}
			load(t, spec)
		})
	}
}

// objectOf compiles the program, unless the directory that DROVER_TEST_OBJECTS names has the object already: that is
// how package kernels brings it to machines that have no compiler.
func objectOf(t *testing.T, compiler string) string {
	t.Helper()
	object := filepath.Join(cmp.Or(os.Getenv("DROVER_TEST_OBJECTS"), t.TempDir()), compiler+".o")
	if _, err := os.Stat(object); err == nil {
		return object
	}
	if _, err := exec.LookPath(compiler); err != nil {
		skip(t, "needs "+compiler)
	}
	args := append([]string{"-target", "bpfel", "-c", "drover.bpf.c", "-o", object}, compilerFlags(t)...)
	if out, err := exec.Command(compiler, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return object
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

// load loads every program, with and without tables to move flows from, and holds the verifier's effort to the budget.
func load(t *testing.T, spec *ebpf.CollectionSpec) {
	t.Helper()
	const sets = 256
	for name, old := range map[string]uint32{"at rest": 0, "while flows move": sets} {
		for variable, value := range map[string]uint32{
			DroverVarFlowSets: sets, DroverVarFlow6Sets: sets, DroverVarOldFlowSets: old, DroverVarOldFlow6Sets: old,
			DroverVarInterfaceMtu: 1500, // with none, the verifier leaves out what comes after the comparison with it
		} {
			if err := spec.Variables[variable].Set(value); err != nil {
				t.Fatal(err)
			}
		}
		opts := ebpf.CollectionOptions{Programs: ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats}}
		collection, err := ebpf.NewCollectionWithOptions(spec, opts)
		if err != nil {
			t.Fatalf("%s: %+v", name, err)
		}
		for program, loaded := range collection.Programs {
			if processed := processedInstructions(t, loaded); processed > budget {
				t.Errorf("%s the verifier processes %d instructions of %s, more than %d", name, processed, program, budget)
			} else {
				t.Logf("%s the verifier processes %d instructions of %s", name, processed, program)
			}
		}
		collection.Close()
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
