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
	t := &table{tabs: tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)}
	t.instances(s.Instances, now)
	t.virtualServers(s.VirtualServers)
	t.interfaces(s.Interfaces)
	t.verdicts(s)
	if t.err == nil {
		t.err = t.tabs.Flush()
	}
	return t.err
}

// table keeps the first error of many prints.
type table struct {
	tabs *tabwriter.Writer
	err  error
}

func (t *table) row(columns ...any) {
	words := make([]string, len(columns))
	for i, c := range columns {
		words[i] = fmt.Sprint(c)
	}
	if t.err == nil {
		_, t.err = fmt.Fprintln(t.tabs, strings.TrimRight(strings.Join(words, "\t"), "\t"))
	}
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
		for _, reason := range slices.Sorted(maps.Keys(i.Dropped)) {
			t.row(fmt.Sprintf("  %s: %d adverts not listened to: %s", i.Name, i.Dropped[reason], reason))
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
			v.Packets, v.Bytes)
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
