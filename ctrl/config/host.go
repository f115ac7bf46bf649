package config

import (
	"fmt"
	"slices"
	"strings"
)

// Host is what the configuration needs to know of the machine it shall run on.
type Host struct {
	// Interfaces are the names of all network interfaces.
	Interfaces []string
}

// interfaceUse is a mention of a network interface.
type interfaceUse struct {
	Position
	name string
}

// CheckHost finds what is wrong with the configuration on this host: every
// interface that the configuration names must be there, or be one that Drover
// makes.
func (c *Config) CheckHost(h Host) Findings {
	var findings Findings
	made := map[string]bool{}
	for _, i := range c.Instances {
		if i.VMAC != nil {
			made[i.VMAC.Name] = true
		}
	}
	for _, use := range c.interfaces {
		if made[use.name] || slices.Contains(h.Interfaces, use.name) {
			continue
		}
		findings = append(findings, Finding{
			Position: use.Position,
			Severity: Error,
			Text: fmt.Sprintf("no interface %q on this host; it has %s",
				use.name, strings.Join(slices.Sorted(slices.Values(h.Interfaces)), ", ")),
		})
	}
	findings.sort()
	return findings
}
