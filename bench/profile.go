package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/cilium/ebpf"
)

// ProfileLine is what one line of Drover's program takes of a packet. Functions are inlined into each other, so the line
// tells better than the function what the time goes to.
type ProfileLine struct {
	Path  Path    `json:"path"`
	Flows int     `json:"flows"`
	NS    float64 `json:"ns"`    // of a packet's
	Share float64 `json:"share"` // of its time, 0 to 1
	Place string  `json:"place"` // file of bpf and line; or what is not told line by line
	Text  string  `json:"text,omitempty"`
}

// What is not told line by line.
const (
	noProfile   = "no profile" // and Text says why
	lesserLines = "all other lines"
	outside     = "player and test run, and what the program calls"
)

const (
	profileRounds = 10
	smallestShare = 0.02
)

// profile tells where the time of a packet of IPv4 goes in Drover, which is given: taking samples costs time. It plays the
// rounds from first on. Without IPv4 there is no profile.
func (f field) profile(flows, first int, found measurements) (lines []ProfileLine, err error) {
	at := slices.IndexFunc(f.all, func(c *contestant) bool { return c.name == "drover" && c.family == IPv4 })
	if at < 0 {
		return nil, nil
	}
	c := f.all[at]
	// A kernel, or whoever confines this process, may let nobody look.
	unknown := func(err error) []ProfileLine {
		return []ProfileLine{{Path: f.name, Flows: flows, Place: noProfile, Text: err.Error()}}
	}
	code, err := codeOf(c.program)
	if err != nil {
		return unknown(err), nil
	}
	s, err := openSampler()
	if err != nil {
		return unknown(err), nil
	}
	defer func() { err = errors.Join(err, s.close()) }()
	tally, all := make(map[sourceLine]int), 0
	for round := range profileRounds {
		addresses, err := s.during(func() error {
			_, err := f.measure(c, c.driver(f.players[IPv4]), first+round)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, a := range addresses {
			tally[code.at(a)]++
		}
		all += len(addresses)
	}
	for _, line := range profileOf(tally, all, spreadOf(found[c]).median) {
		line.Path, line.Flows = f.name, flows
		lines = append(lines, line)
	}
	return lines, nil
}

// profileOf has the lines that take most first, and then those that take little together.
func profileOf(tally map[sourceLine]int, all int, ns float64) (lines []ProfileLine) {
	line := func(n int, place, text string) ProfileLine {
		share := float64(n) / float64(max(all, 1))
		return ProfileLine{NS: share * ns, Share: share, Place: place, Text: text}
	}
	lesser := 0
	for at, n := range tally {
		switch {
		case at == (sourceLine{}):
		case float64(n) < smallestShare*float64(all):
			lesser += n
		default:
			lines = append(lines, line(n, fmt.Sprintf("%s:%d", at.file, at.line), at.text))
		}
	}
	slices.SortFunc(lines, func(a, b ProfileLine) int { return cmp.Or(cmp.Compare(b.NS, a.NS), strings.Compare(a.Place, b.Place)) })
	return append(lines, line(lesser, lesserLines, ""), line(tally[sourceLine{}], outside, ""))
}

// sourceLine is a line of the program; the zero value is outside of it.
type sourceLine struct {
	file string
	line uint32
	text string
}

// codeLine is where the machine code of a line begins.
type codeLine struct {
	address uint64
	source  sourceLine
}

// code is a program as the kernel has compiled it.
type code struct {
	functions [][2]uint64 // begin and end of each
	lines     []codeLine  // by address
}

func codeOf(program *ebpf.Program) (code, error) {
	info, err := program.Info()
	if err != nil {
		return code{}, fmt.Errorf("ask for the program: %w", err)
	}
	source, err := info.LineInfos()
	if err != nil {
		return code{}, fmt.Errorf("ask for the program's lines: %w", err)
	}
	addresses, foundLines := info.JitedLineInfos()
	begins, foundBegins := info.JitedKsymAddrs()
	lengths, foundLengths := info.JitedFuncLens()
	if !foundLines || !foundBegins || !foundLengths || len(addresses) != len(source) || len(begins) != len(lengths) {
		return code{}, errors.New("the kernel does not tell where the program is: is net.core.bpf_jit_enable 1, and kernel.kptr_restrict 0?")
	}
	var c code
	for i, begin := range begins {
		c.functions = append(c.functions, [2]uint64{uint64(begin), uint64(begin) + uint64(lengths[i])})
	}
	for i, address := range addresses {
		l := source[i].Line
		c.lines = append(c.lines, codeLine{address, sourceLine{filepath.Base(l.FileName()), l.LineNumber(), strings.TrimSpace(l.Line())}})
	}
	slices.SortFunc(c.lines, func(a, b codeLine) int { return cmp.Compare(a.address, b.address) })
	return c, nil
}

// at is the line whose code an address is in.
func (c code) at(address uint64) sourceLine {
	inside := func(f [2]uint64) bool { return f[0] <= address && address < f[1] }
	if !slices.ContainsFunc(c.functions, inside) {
		return sourceLine{}
	}
	next, _ := slices.BinarySearchFunc(c.lines, address, func(l codeLine, a uint64) int {
		if l.address <= a {
			return -1
		}
		return 1
	})
	if next == 0 {
		return sourceLine{}
	}
	return c.lines[next-1].source
}

// writeProfile shows the profiles.
func (r Report) writeProfile(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	var of Path
	for _, l := range r.Profile {
		if l.Path != of {
			of = l.Path
			fmt.Fprintf(tab, "\nwhere the time of a packet goes: %s, ipv4, %s\n", l.Path, countOf(l.Flows, "flow"))
		}
		fmt.Fprintf(tab, "%.0f ns\t%.0f %%\t%s\t%s\n", l.NS, 100*l.Share, l.Place, l.Text)
	}
	if err := tab.Flush(); err != nil {
		return fmt.Errorf("write the profile: %w", err)
	}
	return nil
}
