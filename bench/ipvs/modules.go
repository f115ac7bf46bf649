package ipvs

import (
	"errors"
	"fmt"
	"math/bits"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// modulesDir is where Debian has the modules of its user-mode kernels, by release.
const modulesDir = "/usr/lib/uml/modules"

// Bounds of ip_vs's parameter conn_tab_bits: its default, and the most it takes.
const (
	defaultTableBits = 12
	maxTableBits     = 20
)

// connectionTableBits gives IPVS a row for each connection, as its documentation advises.
func connectionTableBits(flows int) int {
	return min(max(bits.Len(uint(flows-1)), defaultTableBits), maxTableBits)
}

// loadModules loads what the contenders need. No modprobe(8) is needed for it.
func loadModules(release string, tableBits int) error {
	modules, err := readModules(filepath.Join(modulesDir, release))
	if err != nil {
		return err
	}
	for _, m := range []struct{ name, parameters string }{
		{"crc32c_generic", ""}, // ip_vs asks for it by no dependency that modules.dep knows
		{"veth", ""},
		{"ip_vs", fmt.Sprintf("conn_tab_bits=%d", tableBits)},
		{"ip_vs_rr", ""},
	} {
		if err := modules.load(m.name, m.parameters); err != nil {
			return err
		}
	}
	return nil
}

// modules are those of a kernel.
type modules struct {
	dir     string
	files   map[string][]string // by name: its file, and then those it needs, the innermost last
	builtIn map[string]bool
}

func readModules(dir string) (modules, error) {
	m := modules{dir: dir, files: make(map[string][]string), builtIn: make(map[string]bool)}
	loadable, err := os.ReadFile(filepath.Join(dir, "modules.dep"))
	if err != nil {
		return modules{}, err
	}
	for line := range strings.Lines(string(loadable)) {
		file, needs, _ := strings.Cut(line, ":")
		m.files[moduleName(file)] = append([]string{file}, strings.Fields(needs)...)
	}
	builtIn, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return modules{}, err
	}
	for file := range strings.Lines(string(builtIn)) {
		m.builtIn[moduleName(strings.TrimSpace(file))] = true
	}
	return m, nil
}

// moduleName is that of a file such as kernel/drivers/net/veth.ko.
func moduleName(file string) string {
	return strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".ko"), "-", "_")
}

// load loads a module after those it needs. One that is there already, or built in, is no error.
func (m modules) load(name, parameters string) error {
	if m.builtIn[name] {
		return nil
	}
	files := m.files[name]
	if files == nil {
		return fmt.Errorf("no module %s in %s", name, m.dir)
	}
	for i := len(files) - 1; i > 0; i-- {
		if err := m.insert(files[i], ""); err != nil {
			return err
		}
	}
	return m.insert(files[0], parameters)
}

func (m modules) insert(file, parameters string) error {
	module, err := os.Open(filepath.Join(m.dir, file))
	if err != nil {
		return err
	}
	defer module.Close()
	if err := unix.FinitModule(int(module.Fd()), parameters, 0); err != nil && !errors.Is(err, unix.EEXIST) {
		return fmt.Errorf("load %s %s: %w", file, parameters, err)
	}
	return nil
}
