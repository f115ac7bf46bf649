package track

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"
)

// freshFor is how long a list of processes serves all that look for some: those who look every second share one.
const freshFor = lookAgain / 2

// processTable lists the processes of this machine, from a directory like /proc. It is safe for concurrent use.
type processTable struct {
	directory string

	mu     sync.Mutex
	names  map[int]string // by process id: /proc/PID/comm
	listed time.Time
}

func newProcessTable(directory string) *processTable { return &processTable{directory: directory} }

// matching returns the ids of the processes that o looks for. Zombies do not count. With anew it does not make do with a
// list that is fresh only.
func (p *processTable) matching(o ProcessOptions, anew bool) ([]int, error) {
	names, err := p.list(anew)
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var found []int
	for pid, name := range names {
		matches := !o.wantsCommandLine() && o.matchesName(name) && p.runs(pid) ||
			o.wantsCommandLine() && o.matchesCommandLine(p.commandLine(pid))
		if matches {
			found = append(found, pid)
		}
	}
	return found, nil
}

// list returns the names of all processes. Nobody may change the map.
func (p *processTable) list(anew bool) (map[int]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !anew && p.names != nil && time.Since(p.listed) < freshFor {
		return p.names, nil
	}
	directory, err := os.Open(p.directory)
	if err != nil {
		return nil, err
	}
	defer directory.Close()
	entries, err := directory.Readdirnames(-1)
	if err != nil {
		return nil, err
	}
	names := make(map[int]string, len(p.names))
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry)
		if err != nil {
			continue // not a process
		}
		if name, there := p.read(pid, "comm"); there {
			names[pid] = strings.TrimSuffix(string(name), "\n")
		}
	}
	p.names, p.listed = names, time.Now()
	return names, nil
}

// runs says whether a process is there and not a zombie.
func (p *processTable) runs(pid int) bool {
	stat, there := p.read(pid, "stat")
	if !there {
		return false
	}
	// "PID (NAME) STATE ...", where the name can hold anything.
	_, state, found := cutLast(stat, ") ")
	return found && !bytes.HasPrefix(state, []byte("Z"))
}

// commandLine returns the arguments of a process: none if it is a zombie, a kernel thread or gone.
func (p *processTable) commandLine(pid int) []string {
	text, there := p.read(pid, "cmdline")
	if !there || len(text) == 0 {
		return nil
	}
	return strings.Split(strings.TrimSuffix(string(text), "\x00"), "\x00")
}

// read reads a file of a process, that may be gone.
func (p *processTable) read(pid int, file string) (content []byte, there bool) {
	content, err := os.ReadFile(filepath.Join(p.directory, strconv.Itoa(pid), file))
	return content, err == nil
}

// cutLast cuts b around the last separator.
func cutLast(b []byte, separator string) (before, after []byte, found bool) {
	at := bytes.LastIndex(b, []byte(separator))
	if at < 0 {
		return b, nil, false
	}
	return b[:at], b[at+len(separator):], true
}
