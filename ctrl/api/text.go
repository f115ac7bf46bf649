package api

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// WriteText prints a status for people.
func WriteText(w io.Writer, s Status, now time.Time) error {
	t := new(table)
	t.instances(s.Instances, now)
	t.virtualServers(s.VirtualServers)
	t.checks(s.VirtualServers, now)
	t.interfaces(s.Interfaces)
	t.flows(s.Flows, slices.ContainsFunc(s.VirtualServers, VirtualServer.isIPv6))
	t.verdicts(s.Verdicts)
	t.lastReload(s.LastReload, now)
	t.findings(s.Findings)
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

// virtualServers are laid out as by ipvsadm -Ln, with more columns.
func (t *table) virtualServers(services []VirtualServer) {
	if len(services) == 0 {
		return
	}
	t.row("VIRTUAL SERVER", "SCHEDULER", "", "", "", "", "", "", "", "", "")
	t.row("  -> REAL SERVER", "FORWARD", "WEIGHT", "STATE", "ACTIVE", "INACTIVE", "CONNECTIONS", "PACKETS", "BYTES", "MAC",
		"REASON")
	for _, v := range services {
		state := "active"
		if !v.Active {
			state = "standby"
		}
		t.row(fmt.Sprintf("%s %s", v.Protocol, endpoint(v.Address, v.Port)), v.scheduler(), "", state, "", "", v.Connections,
			v.Packets, v.Bytes, "", v.Quorum.text())
		for i := range v.RealServers {
			t.realServer("  -> ", &v.RealServers[i], v.RealServers[i].state())
		}
		if s := v.SorryServer; s != nil {
			t.realServer("  => sorry ", &s.RealServer, s.state())
		}
	}
	t.row()
}

func (t *table) realServer(arrow string, r *RealServer, state string) {
	t.row(arrow+endpoint(r.Address, r.Port), r.forward(), r.weight(), state, r.ActiveConnections, r.InactiveConnections,
		r.Connections, r.Packets, r.Bytes, cmp.Or(r.MAC, "-"), r.Reason)
}

// text says what is wrong with the quorum; nothing if all is well.
func (q Quorum) text() string {
	switch {
	case q.Up:
		return ""
	case q.Hysteresis > 0:
		return fmt.Sprintf("no quorum: weight %d, of %d+%d to gain it", q.Weight, q.Required, q.Hysteresis)
	default:
		return fmt.Sprintf("no quorum: weight %d of %d", q.Weight, q.Required)
	}
}

func (s *SorryServer) state() string {
	switch {
	case s.InUse:
		return "serving"
	case s.Up:
		return "idle"
	default:
		return "down"
	}
}

// weight is the configured one, followed by that which checks make of it.
func (r *RealServer) weight() string {
	if r.CheckedWeight == r.Weight {
		return fmt.Sprint(r.Weight)
	}
	return fmt.Sprintf("%d, by checks %d", r.Weight, r.CheckedWeight)
}

// endpoint writes an address and a port, the address of IPv6 in brackets.
func endpoint(address string, port uint16) string {
	return net.JoinHostPort(address, strconv.Itoa(int(port)))
}

// scheduler is followed by what else decides where a connection goes.
func (v VirtualServer) scheduler() string {
	words := append([]string{v.Scheduler}, v.Flags...)
	if v.PersistenceTimeout > 0 {
		words = append(words, fmt.Sprintf("persistent %d /%d", v.PersistenceTimeout, v.PersistencePrefix))
	}
	return strings.Join(words, " ")
}

// forward is how packets get to a real server.
func (r RealServer) forward() string {
	if r.Local {
		return "local"
	}
	return cmp.Or(r.Interface, "-")
}

func (r RealServer) state() string {
	switch {
	case !r.Up:
		return "down"
	case r.Draining:
		return "draining"
	case r.Overloaded:
		return "overloaded"
	case r.Suspected:
		return "suspected"
	case r.Share > 0 && r.Share < 1:
		return fmt.Sprintf("up %.0f%%", 100*r.Share)
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
		mode := cmp.Or(i.XDPMode, "not attached")
		if i.Device != "" {
			mode += " on " + i.Device
		}
		t.row(i.Name, mode, i.ProgramID, cmp.Or(i.Reason, i.ProbeReason))
	}
	t.row()
}

func (v VirtualServer) isIPv6() bool { return strings.Contains(v.Address, ":") }

func (t *table) flows(f Flows, withIPv6 bool) {
	t.row("FLOWS", "LIVE", "CAPACITY", "STATES")
	t.row("IPv4", f.IPv4.Live, f.IPv4.Capacity, counts(f.IPv4.States))
	if withIPv6 {
		t.row("IPv6", f.IPv6.Live, f.IPv6.Capacity, counts(f.IPv6.States))
	}
	if displaced := counts(f.Displaced); displaced != "" {
		t.row("displaced by others: " + displaced)
	}
	t.row()
}

// counts lists what there is at least one of.
func counts[N int | uint64](of map[string]N) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		if of[name] > 0 {
			words = append(words, fmt.Sprintf("%s %d", name, of[name]))
		}
	}
	return strings.Join(words, ", ")
}

func (t *table) verdicts(verdicts map[string]uint64) {
	t.row("VERDICT", "PACKETS")
	for _, v := range slices.Sorted(maps.Keys(verdicts)) {
		t.row(v, verdicts[v])
	}
}
