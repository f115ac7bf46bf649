package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// service returns a virtual server with the head and the lines of its block. Its
// real server is of the family of the head.
func service(head, lines string) string {
	address := "10.0.0.2"
	if strings.Contains(head, ":") {
		address = "fd00::2"
	}
	return "virtual_server " + head + " {\nlb_kind DR\nprotocol UDP\n" + lines + "\nreal_server " + address + " {\n}\n}\n"
}

// loadService loads a text whose findings do not matter and returns its first
// virtual server.
func loadService(t *testing.T, text string) VirtualServer {
	t.Helper()
	config, findings := Load("main", memory{"main": text})
	if config == nil {
		t.Fatalf("found\n%s", lines(findings))
	}
	return config.VirtualServers[0]
}

func TestEverySchedulerIsServed(t *testing.T) {
	for _, name := range strings.Fields("rr wrr lc wlc sed nq sh dh mh fo ovf twos") {
		config := mustLoad(t, service("10.0.0.1 53", "lb_algo "+name))
		if got := config.VirtualServers[0].Scheduler; got != name {
			t.Errorf("%s became %s", name, got)
		}
	}
}

func TestSchedulerSettings(t *testing.T) {
	type settings struct {
		Scheduler                      string
		HashPorts, Fallback, OnePacket bool
	}
	for _, test := range []struct {
		name, lines string
		want        settings
	}{
		{"no scheduler means wlc", "", settings{Scheduler: "wlc"}},
		{"the last scheduler wins", "lb_algo rr\nlvs_sched fo", settings{Scheduler: "fo"}},
		{"sh has a flag for ports", "lb_algo sh\nsh-port", settings{Scheduler: "sh", HashPorts: true}},
		{"sh has a flag for falling back", "lb_algo sh\nsh-fallback", settings{Scheduler: "sh", Fallback: true}},
		{"mh has a flag for ports", "lb_algo mh\nmh-port", settings{Scheduler: "mh", HashPorts: true}},
		{"mh has a flag for falling back", "lb_algo mh\nmh-fallback", settings{Scheduler: "mh", Fallback: true}},
		{"flags have numbers, too", "lb_algo mh\nflag-2", settings{Scheduler: "mh", HashPorts: true}},
		{"the first number is falling back", "lb_algo sh\nflag-1", settings{Scheduler: "sh", Fallback: true}},
		{"a flag may stand before its scheduler", "sh-port\nlb_algo sh", settings{Scheduler: "sh", HashPorts: true}},
		{"a flag of another scheduler does nothing", "lb_algo mh\nsh-port\nsh-fallback", settings{Scheduler: "mh"}},
		{"a flag does nothing for a scheduler without flags", "lb_algo rr\nflag-1\nflag-2", settings{Scheduler: "rr"}},
		{"one packet is for UDP", "lb_algo rr\nops", settings{Scheduler: "rr", OnePacket: true}},
		{"one packet is not for TCP", "lb_algo rr\nops\nprotocol TCP", settings{Scheduler: "rr"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := loadService(t, service("10.0.0.1 53", test.lines))
			if got := (settings{v.Scheduler, v.HashPorts, v.Fallback, v.OnePacket}); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestPersistence(t *testing.T) {
	const group = "virtual_server_group G {\n10.0.0.5 53\n10.0.0.6\n}\n"
	for _, test := range []struct {
		name, text string
		timeout    time.Duration
		prefix     int
	}{
		{"is off by default", service("10.0.0.1 53", ""), 0, 0},
		{"lasts six minutes by default", service("10.0.0.1 53", "persistence_timeout"), 6 * time.Minute, 32},
		{"lasts as long as written", service("10.0.0.1 53", "persistence_timeout 1"), time.Second, 32},
		{"lasts 31 days at most", service("10.0.0.1 53", "persistence_timeout 2678400"), 31 * 24 * time.Hour, 32},
		{"is of the whole address in IPv6, too", service("fd00::1 53", "persistence_timeout"), 6 * time.Minute, 128},
		{"is on with a granularity", service("10.0.0.1 53", "persistence_granularity 255.255.255.0"), 6 * time.Minute, 24},
		{"takes a mask of one bit", service("10.0.0.1 53", "persistence_granularity 128.0.0.0"), 6 * time.Minute, 1},
		{"takes a mask of all bits", service("10.0.0.1 53", "persistence_granularity 255.255.255.255"), 6 * time.Minute, 32},
		{"takes a prefix in IPv6", service("fd00::1 53", "persistence_granularity 1"), 6 * time.Minute, 1},
		{"is on with all ports", service("10.0.0.1", ""), 6 * time.Minute, 32},
		{"is on with port 0", service("fd00::1 0", ""), 6 * time.Minute, 128},
		{"is on with all ports of one member", group + service("group G", ""), 6 * time.Minute, 32},
		{"is as written with all ports", service("10.0.0.1", "persistence_timeout 5"), 5 * time.Second, 32},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := loadService(t, test.text)
			if v.PersistenceTimeout != test.timeout || v.PersistencePrefix != test.prefix {
				t.Errorf("got %s of /%d, want %s of /%d", v.PersistenceTimeout, v.PersistencePrefix, test.timeout, test.prefix)
			}
		})
	}
}

func TestGroupMembers(t *testing.T) {
	for _, test := range []struct{ name, lines, want string }{
		{"are addresses with ports, in their order", "10.0.0.9 80\n10.0.0.1 443", "10.0.0.9:80 10.0.0.1:443"},
		{"have all ports without one", "10.0.0.9\n10.0.0.8 0", "10.0.0.9:0 10.0.0.8:0"},
		{"range to a number", "10.0.0.9-11 80", "10.0.0.9:80 10.0.0.10:80 10.0.0.11:80"},
		{"range to an address", "10.0.0.255-10.0.1.1 80", "10.0.0.255:80 10.0.1.0:80 10.0.1.1:80"},
		{"range to the last address of all", "255.255.255.254-255 80", "255.255.255.254:80 255.255.255.255:80"},
		{"may be a range of one", "10.0.0.9-9 80\n10.0.0.8-10.0.0.8 80", "10.0.0.9:80 10.0.0.8:80"},
		{"may be a network", "10.0.0.4/30 80", "10.0.0.4:80 10.0.0.5:80 10.0.0.6:80 10.0.0.7:80"},
		{"may be a network of one", "10.0.0.4/32 80", "10.0.0.4:80"},
		{"are there once", "10.0.0.4-6 80\n10.0.0.5-7 80", "10.0.0.4:80 10.0.0.5:80 10.0.0.6:80 10.0.0.7:80"},
		{"are of IPv6", "fd00::1 80", "[fd00::1]:80"},
		{"range to a hexadecimal number in IPv6", "fd00::9-b 80", "[fd00::9]:80 [fd00::a]:80 [fd00::b]:80"},
		{"range to an address in IPv6", "fd00::ffff-fd00::1:0 80", "[fd00::ffff]:80 [fd00::1:0]:80"},
		{"may be a network of IPv6", "fd00::/127 80", "[fd00::]:80 [fd00::1]:80"},
	} {
		t.Run(test.name, func(t *testing.T) {
			user := service("group G", "")
			if strings.Contains(test.lines, ":") {
				user = strings.Replace(user, "10.0.0.2", "fd00::2", 1)
			}
			v := loadService(t, user+"virtual_server_group G {\n"+test.lines+"\n}\n")
			if got := fmt.Sprint(v.Members); got != "["+test.want+"]" {
				t.Errorf("got %s, want [%s]", got, test.want)
			}
			if v.Group != "G" || v.Address.IsValid() || v.Port != 0 || !slices.Equal(v.Endpoints(), v.Members) {
				t.Errorf("got %+v", v)
			}
		})
	}
}

func TestGroupIsServedByTCPAndUDP(t *testing.T) {
	udp := service("group G", "lb_algo rr")
	tcp := strings.Replace(udp, "UDP", "TCP", 1)
	config := mustLoad(t, udp+tcp+"virtual_server_group G {\n10.0.0.5-6 53\n}\n")
	want := []netip.AddrPort{netip.MustParseAddrPort("10.0.0.5:53"), netip.MustParseAddrPort("10.0.0.6:53")}
	for _, v := range config.VirtualServers {
		if !reflect.DeepEqual(v.Endpoints(), want) {
			t.Errorf("%s has %s, want %s", v.Protocol, v.Endpoints(), want)
		}
	}
	if len(config.VirtualServers) != 2 {
		t.Errorf("%d virtual servers, want 2", len(config.VirtualServers))
	}
}

func TestOneEndpointWithoutGroup(t *testing.T) {
	v := loadService(t, service("10.0.0.1 53", ""))
	if got, want := v.Endpoints(), netip.MustParseAddrPort("10.0.0.1:53"); len(got) != 1 || got[0] != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGroupsTogetherAreBounded(t *testing.T) {
	var text strings.Builder
	for i := range maxAllMembers / maxMembers {
		fmt.Fprintf(&text, "virtual_server_group G%d {\n10.%d.0.0/20 80\n}\n", i, i)
	}
	if _, findings := Load("main", memory{"main": text.String()}); findings.HasErrors() {
		t.Errorf("found\n%s", lines(findings))
	}
	text.WriteString("virtual_server_group TOO_MANY {\n192.168.100.221 80\n}\n")
	_, findings := Load("main", memory{"main": text.String()})
	const want = "main:50:1: error: all groups up to this one have more than 65536 addresses and ports"
	if got := fmt.Sprint(findings.Err()); got != want {
		t.Errorf("found\n%s\nwant\n%s", got, want)
	}
}

func TestPortsOfRealServers(t *testing.T) {
	const same = "virtual_server_group G {\n10.0.0.5 53\n10.0.0.6 53\n}\n"
	const several = "virtual_server_group G {\n10.0.0.5 53\n10.0.0.6 54\n}\n"
	for _, test := range []struct {
		name, text, written string
		want                uint16
	}{
		{"are the virtual server's by default", service("10.0.0.1 53", ""), "", 53},
		{"are the virtual server's when 0", service("10.0.0.1 53", ""), "0", 53},
		{"are as written", service("10.0.0.1 53", ""), "54", 54},
		{"are the one of a group by default", same + service("group G", ""), "", 53},
		{"are none where a group has several", several + service("group G", ""), "", 0},
		{"are as written where a group has several", several + service("group G", ""), "54", 54},
		{"are none of all", service("10.0.0.1", ""), "", 0},
		{"are as written of all", service("10.0.0.1", ""), "54", 54},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := loadService(t, strings.Replace(test.text, "10.0.0.2", "10.0.0.2 "+test.written, 1))
			if got := v.RealServers[0].Port; got != test.want {
				t.Errorf("got %d, want %d", got, test.want)
			}
		})
	}
}

func TestThresholds(t *testing.T) {
	for _, test := range []struct {
		name, lines  string
		upper, lower uint32
	}{
		{"are none by default", "", 0, 0},
		{"are as written, in any order", "lthreshold 7\nuthreshold 9", 9, 7},
		{"may be equal, as in IPVS", "uthreshold 9\nlthreshold 9", 9, 9},
		{"are as large as keepalived's", "uthreshold 4294967295", 1<<32 - 1, 0},
		{"lose a lower one above the upper one", "uthreshold 9\nlthreshold 10", 9, 0},
		{"lose a lower one without an upper one", "lthreshold 10", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(service("10.0.0.1 53", ""), "10.0.0.2 {\n", "10.0.0.2 {\n"+test.lines+"\n", 1)
			r := loadService(t, text).RealServers[0]
			if r.UpperThreshold != test.upper || r.LowerThreshold != test.lower {
				t.Errorf("got %d and %d, want %d and %d", r.UpperThreshold, r.LowerThreshold, test.upper, test.lower)
			}
		})
	}
}

func TestFlowsAreUpToTheDataPlaneByDefault(t *testing.T) {
	for text, want := range map[string]int{"": 0, "flows 0": 0, "flows 1000": 1000, "flows 64000000": 64_000_000} {
		if got := mustLoad(t, "drover {\n"+text+"\n}\n").Drover.Flows; got != want {
			t.Errorf("%q: got %d, want %d", text, got, want)
		}
	}
}
