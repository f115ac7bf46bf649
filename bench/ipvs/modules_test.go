package ipvs

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestModulesOfAKernel(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"modules.dep":     "kernel/ip_vs.ko: kernel/nf_conntrack.ko kernel/nf-defrag.ko\nkernel/veth.ko:\n",
		"modules.builtin": "kernel/crypto/crc32c_generic.ko\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	m, err := readModules(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"kernel/ip_vs.ko", "kernel/nf_conntrack.ko", "kernel/nf-defrag.ko"}
	if got := m.files["ip_vs"]; !slices.Equal(got, want) {
		t.Errorf("ip_vs: %q, want %q", got, want)
	}
	if got := m.files["veth"]; !slices.Equal(got, []string{"kernel/veth.ko"}) {
		t.Errorf("veth: %q", got)
	}
	if err := m.load("crc32c_generic", ""); err != nil {
		t.Errorf("a module that is built in: %v", err)
	}
	if err := m.load("ip_vs_rr", ""); err == nil {
		t.Error("a module that is not there is loaded")
	}
	if got := moduleName("kernel/crypto/nf-defrag.ko"); got != "nf_defrag" {
		t.Errorf("a hyphen in a file's name is an underscore in the module's; got %q", got)
	}
}

func TestTheTableOfIPVSHasARowForEachConnection(t *testing.T) {
	for flows, bits := range map[int]int{1: 12, 4096: 12, 4097: 13, 100_000: 17, MaxFlows: 20} {
		if got := connectionTableBits(flows); got != bits {
			t.Errorf("%d flows: 2^%d rows, want 2^%d", flows, got, bits)
		}
	}
}
