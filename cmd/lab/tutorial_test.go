package main

import (
	"io/fs"
	"strings"
	"testing"

	"drover/ctrl/config"
)

// memory is a config.Source with one file.
type memory map[string]string

func (m memory) ReadFile(name string) ([]byte, error) {
	text, ok := m[name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (memory) Glob(string) ([]string, error) { return nil, nil }

func TestEveryBalancersFileSaysWhatTheTableSays(t *testing.T) {
	for _, g := range groups() {
		for _, b := range g.members {
			parsed, findings := config.Load("keepalived.conf", memory{"keepalived.conf": keepalivedConf(g, b)})
			if len(findings) > 0 {
				t.Errorf("%s: %v", b.name, findings)
				continue
			}
			instance, server := parsed.Instances[0], parsed.VirtualServers[0]
			if instance.VirtualRouterID != g.vrid || instance.Priority != b.priority || instance.AuthPass != g.password ||
				instance.Interface != "enp1s0" || instance.Addresses[0].Prefix.Addr() != g.vip || server.Address != g.vip {
				t.Errorf("%s: %+v, %+v", b.name, instance, server)
			}
		}
	}
}

func TestTheFileIsTheTemplateWithFourPlacesFilledIn(t *testing.T) {
	g := groups()[1]
	got := strings.Split(keepalivedConf(g, g.master()), "\n")
	want := strings.Split(configTemplate, "\n")
	if len(got) != len(want) {
		t.Fatalf("%d lines, the template has %d", len(got), len(want))
	}
	differ := map[string]string{}
	for i := range want {
		if got[i] != want[i] {
			differ[want[i]] = got[i]
		}
	}
	for line, filled := range map[string]string{
		"  virtual_router_id XXX":             "  virtual_router_id 110",
		"  priority WW":                       "  priority 12",
		"    auth_pass YYY":                   "    auth_pass def345",
		"    192.168.100.ZZZ/24 dev enp1s0":   "    192.168.100.221/24 dev enp1s0",
		"virtual_server 192.168.100.ZZZ 80 {": "virtual_server 192.168.100.221 80 {",
	} {
		if differ[line] != filled {
			t.Errorf("%q became %q, want %q", line, differ[line], filled)
		}
		delete(differ, line)
	}
	if len(differ) > 0 {
		t.Errorf("other lines changed: %v", differ)
	}
}
