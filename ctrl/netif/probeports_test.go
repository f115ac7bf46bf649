package netif

import (
	"errors"
	"net/netip"
	"testing"
)

func TestPortsThatTheHostDoesNotSendFrom(t *testing.T) {
	for what, test := range map[string]struct {
		own, reserved string
		want          PortRange // zero: none
	}{
		"below the kernel's default":             {"32768\t60999\n", "\n", PortRange{1024, 32767}},
		"above a range that begins low":          {"1024\t60999\n", "\n", PortRange{61000, 65535}},
		"above one that is as near":              {"1536 65023", "", PortRange{65024, 65535}},
		"reserved in the middle":                 {"1024 65535", "8080,20000-29999", PortRange{20000, 29999}},
		"reserved below 1024 does not count":     {"1024 65535", "1-1100,2000-2511", PortRange{2000, 2511}},
		"reserved, and fewer than are free":      {"32768 60999", "61000-61999", PortRange{1024, 32767}},
		"none":                                   {"1024 65535", "", PortRange{}},
		"too few":                                {"1024 65024", "", PortRange{}},
		"a range that begins below all":          {"1 60999", "", PortRange{61000, 65535}},
		"a range that ends where services begin": {"1 1000", "", PortRange{1024, 65535}},
	} {
		got, err := freePorts(test.own, test.reserved)
		if none := test.want == (PortRange{}); got != test.want || none != errors.Is(err, errNoFreePorts) {
			t.Errorf("%s: %v, %v, want %v", what, got, err, test.want)
		}
	}
}

func TestPortSettingsThatNobodyCanReadAreErrors(t *testing.T) {
	for _, test := range [][2]string{{"", ""}, {"1 70000", ""}, {"9 8", ""}, {"one two", ""}, {"1024 65535", "9-8"}, {"1024 65535", "x"}} {
		if got, err := freePorts(test[0], test[1]); err == nil {
			t.Errorf("%q and %q make %v", test[0], test[1], got)
		}
	}
}

func TestInWhoseNameAProbeAsks(t *testing.T) {
	for what, test := range map[string]struct {
		sources     []string
		server, vip string
		want        string // empty: none
	}{
		"the only address":               {[]string{"10.0.0.1/24"}, "10.0.0.9", "192.0.2.1", "10.0.0.1"},
		"the one on its network":         {[]string{"10.0.1.1/24", "10.0.0.1/24"}, "10.0.0.9", "192.0.2.1", "10.0.0.1"},
		"the first if none is on it":     {[]string{"10.0.1.1/24", "10.0.2.1/24"}, "10.0.0.9", "192.0.2.1", "10.0.1.1"},
		"one of the VIP's version":       {[]string{"10.0.0.1/24", "2001:db8::1/64"}, "2001:db8::9", "2001:db8::221", "2001:db8::1"},
		"an IPv6 VIP of an IPv4 server":  {[]string{"10.0.0.1/24", "2001:db8::1/64"}, "10.0.0.9", "2001:db8::221", "2001:db8::1"},
		"no link-local for a global VIP": {[]string{"fe80::1/64"}, "fe80::9", "2001:db8::221", ""},
		"none of the VIP's version":      {[]string{"10.0.0.1/24"}, "10.0.0.9", "2001:db8::221", ""},
		"none at all":                    {nil, "10.0.0.9", "192.0.2.1", ""},
	} {
		var sources []netip.Prefix
		for _, s := range test.sources {
			sources = append(sources, prefix(s))
		}
		got, found := sourceFor(sources, addr(test.server), addr(test.vip))
		if found != (test.want != "") || found && got != addr(test.want) {
			t.Errorf("%s: %s, %t, want %q", what, got, found, test.want)
		}
	}
}
