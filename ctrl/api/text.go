package api

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteText prints a status for people.
func WriteText(w io.Writer, s Status, now time.Time) error {
	t := new(table)
	t.instances(s.Instances, now)
	t.virtualServers(s.VirtualServers)
	t.interfaces(s.Interfaces)
	t.verdicts(s)
	return t.writeTo(w)
}

// table collects rows of cells that are separated by tabs.
type table struct{ rows strings.Builder }

// row adds a row. A reason may have been written over several lines.
func (t *table) row(columns ...any) {
	words := make([]string, len(columns))
	oneLine := strings.NewReplacer("\n", "; ", "\t", " ")
	for i, c := range columns {
		words[i] = oneLine.Replace(fmt.Sprint(c))
	}
	fmt.Fprintln(&t.rows, strings.Join(words, "\t"))
}

// writeTo aligns the columns. Empty cells at the end of a row count for that, but leave no spaces.
func (t *table) writeTo(w io.Writer) error {
	var aligned strings.Builder
	tabs := tabwriter.NewWriter(&aligned, 0, 0, 2, ' ', 0)
	if _, err := io.WriteString(tabs, t.rows.String()); err != nil {
		return err
	}
	if err := tabs.Flush(); err != nil {
		return err
	}
	for line := range strings.Lines(aligned.String()) {
		if _, err := fmt.Fprintln(w, strings.TrimRight(line, " \n")); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) instances(instances []Instance, now time.Time) {
	if len(instances) == 0 {
		return
	}
	t.row("INSTANCE", "STATE", "FOR", "INTERFACE", "VRID", "PRIORITY", "ADDRESSES", "REASON")
	for _, i := range instances {
		t.row(i.Name, i.State, now.Sub(i.Since).Truncate(time.Second), i.Interface, i.VirtualRouterID, i.Priority,
			strings.Join(i.Addresses, " "), i.Reason)
	}
	for _, i := range instances {
		var counts []string
		for _, reason := range slices.Sorted(maps.Keys(i.Dropped)) {
			if n := i.Dropped[reason]; n > 0 {
				counts = append(counts, fmt.Sprintf("%s %d", reason, n))
			}
		}
		if len(counts) > 0 {
			t.row(fmt.Sprintf("  %s: adverts not listened to: %s", i.Name, strings.Join(counts, ", ")))
		}
	}
	t.row()
}

func (t *table) virtualServers(services []VirtualServer) {
	if len(services) == 0 {
		return
	}
	t.row("VIRTUAL SERVER", "SCHEDULER", "WEIGHT", "STATE", "ACTIVE", "INACTIVE", "CONNECTIONS", "PACKETS", "BYTES", "MAC",
		"REASON")
	for _, v := range services {
		state := "active"
		if !v.Active {
			state = "standby"
		}
		t.row(fmt.Sprintf("%s %s:%d", v.Protocol, v.Address, v.Port), v.Scheduler, "", state, "", "", v.Connections,
			v.Packets, v.Bytes, "", "")
		for _, r := range v.RealServers {
			t.row(fmt.Sprintf("  -> %s:%d", r.Address, r.Port), "", r.Weight, r.state(), r.ActiveConnections,
				r.InactiveConnections, r.Connections, r.Packets, r.Bytes, cmp.Or(r.MAC, "-"), r.Reason)
		}
	}
	t.row()
}

func (r RealServer) state() string {
	switch {
	case !r.Up:
		return "down"
	case r.Draining:
		return "draining"
	default:
		return "up"
	}
}

func (t *table) interfaces(interfaces []Interface) {
	if len(interfaces) == 0 {
		return
	}
	t.row("INTERFACE", "XDP", "PROGRAM", "REASON")
	for _, i := range interfaces {
		t.row(i.Name, cmp.Or(i.XDPMode, "not attached"), i.ProgramID, i.Reason)
	}
	t.row()
}

func (t *table) verdicts(s Status) {
	t.row(fmt.Sprintf("FLOWS %d of %d", s.Flows.Live, s.Flows.Capacity))
	t.row()
	t.row("VERDICT", "PACKETS")
	for _, v := range slices.Sorted(maps.Keys(s.Verdicts)) {
		t.row(v, s.Verdicts[v])
	}
}
