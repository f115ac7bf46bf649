package config

import (
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// FuzzLoad loads arbitrary text. The result must be usable or refused, and all
// findings must point into the text.
func FuzzLoad(f *testing.F) {
	for _, file := range testFiles(f) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("$A= \\\n $A \\\n $A\n$A")
	f.Add("~SEQ(A,1,99999) ~LST({B,C},{x,1},{y}) @^a include x\n~SEQx(A,0x1,-1,-9)~SEQ(B,2)z ${A}${_RANDOM 1 ${B}}\n")
	f.Add("include *\nincludea {main,x{,y}}\n@a b\n~SEQ(A)\n")
	f.Fuzz(func(t *testing.T, text string) {
		config, findings := Load("main", memory{"main": text, "x": text + "\n}"}, WithConfigID("a"))
		if (config == nil) != findings.HasErrors() {
			t.Errorf("config is nil: %v, errors: %v", config == nil, findings.HasErrors())
		}
		checkPositions(t, findings, map[string]string{"main": text, "x": text + "\n}"})
		if config != nil {
			checkConfig(t, config)
		}
	})
}

// checkPositions holds findings to be sorted and inside their text.
func checkPositions(t *testing.T, findings Findings, texts map[string]string) {
	sorted := slices.Clone(findings)
	sorted.sort()
	if !slices.Equal(findings, sorted) {
		t.Error("findings are not sorted")
	}
	for _, one := range findings {
		text := strings.Split(texts[one.File], "\n")
		if one.Line < 1 || one.Line > len(text) || one.Column < 1 || one.Column > len(text[one.Line-1])+1 {
			t.Errorf("%s: not in the text", one)
		}
	}
}

// checkConfig holds a configuration to what its consumers rely on.
func checkConfig(t *testing.T, config *Config) {
	checkTracked(t, config)
	for _, i := range config.Instances {
		checkInstance(t, i)
		for _, a := range slices.Concat(i.Addresses, i.ExcludedAddresses) {
			if !a.Prefix.IsValid() || a.Interface == "" {
				t.Errorf("address %+v", a)
			}
		}
	}
	for _, v := range config.VirtualServers {
		checkVirtualServer(t, v)
		for _, r := range v.RealServers {
			if r.Weight < 0 || r.Weight > maxWeight || r.LowerThreshold > r.UpperThreshold {
				t.Errorf("real server %+v", r)
			}
			for _, c := range r.Checks {
				checkCheck(t, c)
			}
		}
	}
}

// checkCheck holds a check to what the probes rely on.
func checkCheck(t *testing.T, c Check) {
	if c.DelayLoop <= 0 || c.ConnectTimeout <= 0 || c.Warmup < 0 || c.Retry < 0 || c.DelayBeforeRetry < 0 {
		t.Errorf("check %+v", c)
	}
	connects, needsPort := true, true
	switch q := c.Question.(type) {
	case *HTTPCheck:
		if len(q.URLs) == 0 {
			t.Errorf("check %+v", q)
		}
		for _, u := range q.URLs {
			if u.Regex != nil {
				regexp.MustCompile(u.Regex.Expression())
			}
		}
	case *UDPCheck:
		if len(q.Reply) != len(q.ReplyMask) || q.MinReply > q.MaxReply && q.RequireReply {
			t.Errorf("check %+v", q)
		}
	case *MiscCheck:
		connects = false
		if len(q.Command) == 0 || q.Timeout <= 0 {
			t.Errorf("check %+v", q)
		}
	case *FileCheck:
		connects = false
	case *PingCheck:
		needsPort = false
	case *TCPCheck, *DNSCheck, *SMTPCheck:
	default:
		t.Errorf("check %+v", c)
	}
	if connects != c.To.IsValid() || connects && needsPort && c.To.Port() == 0 {
		t.Errorf("check %+v", c)
	}
}

// checkVirtualServer holds a virtual server to what the planner relies on.
func checkVirtualServer(t *testing.T, v VirtualServer) {
	endpoints := v.Endpoints()
	if len(endpoints) == 0 || len(endpoints) > maxMembers || len(v.RealServers) == 0 || !slices.Contains(schedulers, v.Scheduler) {
		t.Fatalf("virtual server %+v", v)
	}
	family := endpoints[0].Addr().BitLen()
	if v.PersistenceTimeout < 0 || v.PersistencePrefix > family || (v.PersistencePrefix == 0) != (v.PersistenceTimeout == 0) {
		t.Errorf("persistence %s of /%d", v.PersistenceTimeout, v.PersistencePrefix)
	}
	seen := map[netip.AddrPort]bool{}
	for _, e := range endpoints {
		if !e.IsValid() || e.Addr().BitLen() != family || seen[e] || e.Port() == 0 && v.PersistenceTimeout == 0 {
			t.Fatalf("endpoint %s of %+v", e, v)
		}
		seen[e] = true
	}
	for _, r := range v.RealServers {
		if r.Address.BitLen() != family {
			t.Errorf("real server %s behind %s", r.Address, endpoints[0])
		}
	}
}
