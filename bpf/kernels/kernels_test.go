package kernels

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// oldest begins the release of a kernel that must not be missing: Debian 12's.
const oldest = "6.1."

// objectsVariable tells the tests of package bpf where the compilers' objects are.
const objectsVariable = "DROVER_TEST_OBJECTS"

// commands run in every machine. The tests of the data plane load the program as the daemon does, send every kind of
// frame through it, and attach it to one end of a veth pair in both modes. They are those that depend on the kernel: the
// emulated machine takes several times as long as this one.
var commands = [][]string{
	{"/bpf.test", "-test.v", "-test.run=Object"},
	{"/dataplane.test", "-test.short", "-test.timeout=10m", "-test.run=^Test(" + strings.Join([]string{
		"Attach", "Connections", "Errors", "ExtensionHeaders", "Forwarded", "Fragments", "Gates", "GrowKeeps", "MTU",
		"NotBalanced", "Ports", "Probe", "RealServers", "StackedInterfaces", "Tags", "ThisHost",
	}, "|") + ")"},
	{"/netif.test", "-test.run=^TestTheProgramFor"}, // VLANs and bonds, which not every kernel has
}

// modules are those that the tests need, each behind those that it needs itself.
var modules = []string{
	"drivers/net/veth", "net/llc/llc", "net/802/stp", "net/802/garp", "net/802/mrp", "net/8021q/8021q", "net/tls/tls",
	"drivers/net/bonding/bonding",
}

func TestTheDataPlaneRunsOn(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		skip(t, "boots kernels of amd64 only")
	}
	if _, err := exec.LookPath(emulator); err != nil {
		skip(t, "needs "+emulator+" (Debian: qemu-system-x86)")
	}
	kernels := findKernels(t)
	files := build(t)
	for _, k := range kernels {
		t.Run("Linux "+k.release, func(t *testing.T) {
			root := maps.Clone(files)
			for n, module := range k.modules {
				root[fmt.Sprintf("modules/%02d-%s", n, filepath.Base(module))] = read(t, module)
			}
			console, err := boot(t, k, root)
			if err != nil || !strings.Contains(console, "\nall commands succeeded\n") {
				t.Errorf("not all commands succeeded (%v); the console says\n%s", err, console)
			} else if strings.Contains(console, "no tests to run") {
				t.Errorf("a command runs no test; the console says\n%s", console)
			} else {
				t.Log(console)
			}
		})
	}
}

// kernel is an unpacked package.
type kernel struct {
	release string // as uname -r has it
	image   string
	modules []string // files, whose names tell whether they are compressed
}

// findKernels lists the kernels that there are.
func findKernels(t *testing.T) []kernel {
	t.Helper()
	dir := cmp.Or(os.Getenv("DROVER_TEST_KERNELS"), "../../.build/kernels")
	const prefix = "vmlinuz-"
	images, err := filepath.Glob(filepath.Join(dir, "boot", prefix+"*"))
	must(t, err)
	var found []kernel
	for _, image := range images {
		release := strings.TrimPrefix(filepath.Base(image), prefix)
		k := kernel{release: release, image: image}
		for _, module := range modules {
			file, err := filepath.Glob(filepath.Join(dir, "lib/modules", release, "kernel", module+".ko*"))
			if err != nil || len(file) != 1 {
				t.Fatalf("%s wants one module %s, there are %q (%v): unpack its package again", image, module, file, err)
			}
			k.modules = append(k.modules, file[0])
		}
		found = append(found, k)
	}
	if !slices.ContainsFunc(found, func(k kernel) bool { return strings.HasPrefix(k.release, oldest) }) {
		skip(t, "needs Linux "+oldest+"x in "+dir+" (the package's documentation tells how to get it)")
	}
	return found
}

// build makes the files that every machine has. The machines have no libraries, so nothing may be linked with cgo.
func build(t *testing.T) archive {
	t.Helper()
	dir := t.TempDir() + "/"
	for _, args := range [][]string{
		{"build", "-o", dir, "./init"}, {"test", "-c", "-o", dir, "drover/bpf", "drover/dataplane", "drover/ctrl/netif"},
	} {
		cmd := exec.CommandContext(t.Context(), "go", args...)
		cmd.Env = append(cmd.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("go %q: %v\n%s", args, err, out)
		}
	}
	list, err := json.Marshal(commands)
	must(t, err)
	files := archive{"commands.json": list}
	for _, name := range []string{"init", "bpf.test", "dataplane.test", "netif.test"} {
		files[name] = read(t, filepath.Join(dir, name))
	}
	for _, object := range compile(t, filepath.Join(dir, "bpf.test")) {
		files["objects/"+filepath.Base(object)] = read(t, object)
	}
	return files
}

// compile lets the tests of package bpf make the objects that they test, one with each compiler that is there.
func compile(t *testing.T, tests string) (objects []string) {
	t.Helper()
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), tests, "-test.run=^TestEveryCompilersObject")
	cmd.Dir, cmd.Env = "..", append(os.Environ(), objectsVariable+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	objects, err := filepath.Glob(filepath.Join(dir, "*.o"))
	must(t, err)
	return objects
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	content, err := os.ReadFile(file)
	must(t, err)
	return content
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// skip skips a test, unless that is forbidden.
func skip(t *testing.T, reason string) {
	t.Helper()
	if os.Getenv("DROVER_TEST_STRICT") == "1" {
		t.Fatal(reason + ", and DROVER_TEST_STRICT forbids to skip")
	}
	t.Skip(reason)
}
