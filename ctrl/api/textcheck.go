package api

import (
	"cmp"
	"fmt"
	"time"
)

// checks lists each check once, however many virtual servers share it.
func (t *table) checks(services []VirtualServer, now time.Time) {
	listed := make(map[string]bool)
	for i := range services {
		for _, r := range services[i].RealServers {
			for _, c := range r.Checks {
				of := cmp.Or(c.Address, endpoint(r.Address, r.Port))
				row := []any{
					c.Kind, of, c.way(), c.state(), c.Done, c.Failed, span(now, c.Last, "%s ago"), span(c.Next, now, "in %s"),
					cmp.Or(c.Reason, c.LastError, c.doubt()),
				}
				if key := fmt.Sprint(row...); !listed[key] {
					if len(listed) == 0 {
						t.row("CHECK", "OF", "PATH", "STATE", "DONE", "FAILED", "LAST", "NEXT", "REASON")
					}
					listed[key] = true
					t.row(row...)
				}
			}
		}
	}
	if len(listed) > 0 {
		t.row()
	}
}

// way is the path, with the VIP where the address does not tell it.
func (c *Check) way() string {
	if c.Path == "auto" {
		return c.Path + " " + c.VIP
	}
	return c.Path
}

// doubt says that the VIP is not counted.
func (c *Check) doubt() string {
	if c.Unproven == nil {
		return ""
	}
	return "at its own address; through the VIP, which does not count: " + c.Unproven.Error
}

func (c *Check) state() string {
	switch {
	case c.Resting:
		return "rests"
	case !c.Up:
		return "fails"
	case c.Done == 0:
		return "not yet"
	case c.LastError != "":
		return "retries"
	case c.Unproven != nil:
		return "by address"
	default:
		return "passes"
	}
}

// span writes a time between two as text has it; nothing if one of them is not known.
func span(later, earlier time.Time, text string) string {
	if later.IsZero() || earlier.IsZero() {
		return "-"
	}
	return fmt.Sprintf(text, max(later.Sub(earlier), 0).Round(100*time.Millisecond))
}

// lastReload says what came of the last request to reload, with its findings if they are why nothing came of it.
func (t *table) lastReload(r *LastReload, now time.Time) {
	if r == nil {
		return
	}
	t.row()
	result := "refused"
	switch {
	case r.Applied && len(r.Findings) > 0:
		result = fmt.Sprintf("applied, warnings: %d", len(r.Findings))
	case r.Applied:
		result = "applied"
	case r.Error != "":
		result += ": " + r.Error
	}
	t.row("LAST RELOAD", "TOOK", "RESULT")
	t.row(span(now, r.At, "%s ago"), time.Duration(r.TookMS)*time.Millisecond, result)
	if !r.Applied {
		for _, f := range r.Findings {
			t.row("  " + f)
		}
	}
}

// findings are told in short; drover doctor tells all of them.
func (t *table) findings(list []Finding) {
	if len(list) == 0 {
		return
	}
	t.row()
	t.row("FINDINGS, see drover doctor")
	for _, f := range list {
		t.row("  " + f.Severity + ": " + f.Subject + ": " + f.Text)
	}
}
