package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// narrator tells the reader what happens and keeps the results for the table at the end.
type narrator struct {
	out     io.Writer
	began   time.Time
	section string // of the results that come in
	results []result
}

// result is a row of the final table.
type result struct {
	section, step, expected, seen string
	ok                            bool
}

func newNarrator(out io.Writer) *narrator { return &narrator{out: out, began: time.Now()} }

// heading opens a section of the tutorial.
func (n *narrator) heading(section, title string) {
	n.section = section
	fmt.Fprintf(n.out, "\n== %s %s  [%.1f s]\n", section, title, time.Since(n.began).Seconds())
}

// say prints a sentence.
func (n *narrator) say(format string, args ...any) { fmt.Fprintf(n.out, format+"\n", args...) }

// prompt prints a command as the reader would type it.
func (n *narrator) prompt(host, format string, args ...any) {
	fmt.Fprintf(n.out, "%s$ %s\n", host, fmt.Sprintf(format, args...))
}

// show prints a line of what the reader looks at.
func (n *narrator) show(format string, args ...any) { fmt.Fprintf(n.out, "    "+format+"\n", args...) }

// same records a step whose outcome is right when it is exactly the expected one.
func (n *narrator) same(step, expected, seen string) {
	n.record(step, expected, seen, expected == seen)
}

// between records a step whose outcome is right when it took at least low and at most high.
func (n *narrator) between(step string, low, high, seen time.Duration) {
	n.record(step, fmt.Sprintf("%.1f to %.1f s", low.Seconds(), high.Seconds()), seconds(seen), low <= seen && seen <= high)
}

// record records a step.
func (n *narrator) record(step, expected, seen string, ok bool) {
	n.results = append(n.results, result{section: n.section, step: step, expected: expected, seen: seen, ok: ok})
	if !ok {
		n.say("!!  %s: expected %s, seen %s", step, expected, seen)
	}
}

// summarize prints the table and reports how many steps differ.
func (n *narrator) summarize() (differ int) {
	fmt.Fprintf(n.out, "\n== Summary  [%.1f s]\n", time.Since(n.began).Seconds())
	table := tabwriter.NewWriter(n.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "\tstep\texpected\tseen")
	for _, r := range n.results {
		mark := ""
		if !r.ok {
			mark = "  <-- differs"
			differ++
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s%s\n", r.section, r.step, r.expected, r.seen, mark)
	}
	table.Flush()
	return differ
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f s", d.Seconds()) }

// list joins words for the table.
func list(words []string) string {
	if len(words) == 0 {
		return "nothing"
	}
	return strings.Join(words, " ")
}
