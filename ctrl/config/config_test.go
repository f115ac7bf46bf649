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

// mustLoad loads a text that has no error.
func mustLoad(t *testing.T, text string) *Config {
	t.Helper()
	config, findings := Load("main", memory{"main": text})
	if config == nil {
		t.Fatalf("found\n%s", lines(findings))
	}
	return config
}

// TestTutorialConfigurations loads the files of the tutorial's five balancers.
func TestTutorialConfigurations(t *testing.T) {
	for _, node := range []struct {
		name          string
		id, priority  uint8
		password, vip string
	}{
		{"u109lb10", 100, 10, "abc012", "192.168.100.220"},
		{"u109lb11", 110, 11, "def345", "192.168.100.221"},
		{"u109lb12", 110, 12, "def345", "192.168.100.221"},
		{"u109lb13", 120, 13, "ghi678", "192.168.100.223"},
		{"u109lb14", 120, 14, "ghi678", "192.168.100.223"},
	} {
		t.Run(node.name, func(t *testing.T) {
			config, findings := Load(node.name+".conf", directory("testdata/tutorial"))
			if len(findings) > 0 {
				t.Fatalf("found\n%s", lines(findings))
			}
			got := withoutPositions(*config)
			want := tutorialConfig(node.id, node.priority, node.password, node.vip)
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", got, want)
			}
		})
	}
}

// tutorialConfig is what the tutorial's template says, with keepalived's
// defaults for what it does not say.
func tutorialConfig(id, priority uint8, password, vip string) Config {
	address := netip.MustParseAddr(vip)
	server := VirtualServer{
		Address:   address,
		Port:      80,
		Protocol:  TCP,
		Scheduler: "rr",
		DelayLoop: time.Second,
		Quorum:    1,
	}
	for _, web := range []string{"192.168.100.150", "192.168.100.151"} {
		server.RealServers = append(server.RealServers, RealServer{
			Address:          netip.MustParseAddr(web),
			Port:             80,
			Weight:           1,
			InhibitOnFailure: true,
			Checks: []Check{{
				CheckTimes: CheckTimes{
					ConnectTimeout:   time.Second,
					Retry:            1,
					DelayBeforeRetry: time.Second,
					DelayLoop:        time.Second,
					Warmup:           time.Second,
				},
				CheckSocket: CheckSocket{To: netip.AddrPortFrom(netip.MustParseAddr(web), 80)},
				Question: &HTTPCheck{
					URLs:         []URL{{Path: "/index.html", StatusCodes: []StatusRange{{200, 200}}}},
					HTTPProtocol: "1.0",
				},
			}},
		})
	}
	return Config{
		Instances:      []Instance{tutorialInstance(id, priority, password, netip.PrefixFrom(address, 24))},
		VirtualServers: []VirtualServer{server},
	}
}

func tutorialInstance(id, priority uint8, password string, vip netip.Prefix) Instance {
	return Instance{
		Name:            "SERVICE",
		Interface:       "enp1s0",
		State:           Master,
		VirtualRouterID: id,
		Priority:        priority,
		AdvertInterval:  time.Second,
		Version:         2,
		AuthType:        AuthPass,
		AuthPass:        password,
		Accept:          true,
		MulticastGroup:  netip.MustParseAddr("224.0.0.18"),
		UnicastTTL:      255,
		Addresses:       []VirtualAddress{{Prefix: vip, Interface: "enp1s0"}},
		Preempt:         true,
		GARP: GARP{
			MasterDelay:         5 * time.Second,
			MasterRepeat:        5,
			MasterRefreshRepeat: 1,
			LowerPrioDelay:      5 * time.Second,
			LowerPrioRepeat:     5,
		},
		HigherPrioSendAdvert: true,
		TrackPrimary:         true,
		DownTimerAdverts:     3,
	}
}

func TestGratuitousARPDefaults(t *testing.T) {
	for _, test := range []struct {
		name, globals, own string
		want               GARP
	}{
		{"are keepalived's", "", "",
			GARP{5 * time.Second, 5, 0, 1, 5 * time.Second, 5}},
		{"of lower priority follow those of a new master in global_defs",
			"vrrp_garp_master_delay 2\nvrrp_garp_master_repeat 3", "",
			GARP{2 * time.Second, 3, 0, 1, 2 * time.Second, 3}},
		{"of lower priority do not follow those of a new master in the instance",
			"", "garp_master_delay 2\ngarp_master_repeat 3",
			GARP{2 * time.Second, 3, 0, 1, 5 * time.Second, 5}},
		{"are small with vrrp_min_garp", "vrrp_min_garp\nvrrp_garp_master_delay 9", "",
			GARP{0, 1, 0, 1, 0, 1}},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "vrrp_instance A {\n interface e\n virtual_router_id 1\n virtual_ipaddress {\n 10.0.0.1\n }\n" +
				test.own + "\n}\nglobal_defs {\n" + test.globals + "\n}\n"
			if got := mustLoad(t, text).Instances[0].GARP; got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestCheckSettings(t *testing.T) {
	for _, test := range []struct {
		name, server, real, check string
		want                      CheckTimes
	}{
		{"are keepalived's by default", "", "", "",
			CheckTimes{ConnectTimeout: 5 * time.Second, Retry: 1, DelayBeforeRetry: 3 * time.Second,
				DelayLoop: time.Minute, Warmup: time.Minute}},
		{"come from the virtual server, also from behind its real servers",
			"delay_loop 4\nretry 5\nalpha", "", "",
			CheckTimes{ConnectTimeout: 5 * time.Second, Retry: 5, DelayBeforeRetry: 3 * time.Second,
				DelayLoop: 4 * time.Second, Warmup: 4 * time.Second, Alpha: true}},
		{"come from the real server before the virtual server, also from behind its check",
			"delay_loop 4\nretry 5\nalpha", "delay_loop 3\nretry 0\nalpha off", "",
			CheckTimes{ConnectTimeout: 5 * time.Second, DelayBeforeRetry: 3 * time.Second,
				DelayLoop: 3 * time.Second, Warmup: 3 * time.Second}},
		{"come from the check before all others",
			"delay_loop 4\nwarmup 4", "delay_loop 3\nwarmup 3", "delay_loop 2\nwarmup 0",
			CheckTimes{ConnectTimeout: 5 * time.Second, Retry: 1, DelayBeforeRetry: 3 * time.Second,
				DelayLoop: 2 * time.Second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := mustLoad(t, "virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n"+
				"real_server 10.0.0.2 80 {\nHTTP_GET {\nurl {\npath /\n}\n"+test.check+"\n}\n"+test.real+"\n}\n"+test.server+"\n}\n")
			got := withoutPositions(*config).VirtualServers[0].RealServers[0].Checks[0]
			want := Check{
				CheckTimes: test.want, CheckSocket: CheckSocket{To: netip.MustParseAddrPort("10.0.0.2:80")},
				Question: &HTTPCheck{URLs: []URL{{Path: "/", StatusCodes: []StatusRange{{200, 299}}}}, HTTPProtocol: "1.0"},
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("got\n%+v\nwant\n%+v", got, want)
			}
		})
	}
}

func TestPasswordIsCutAtEightBytes(t *testing.T) {
	config, _ := Load("password-too-long.conf", directory("testdata/findings"))
	if got := config.Instances[0].AuthPass; got != "def34567" {
		t.Errorf("got %q", got)
	}
}

func TestWhatIsLeftOut(t *testing.T) {
	for _, test := range []struct {
		file                            string
		instances, servers, realServers int
	}{
		{"group-member-twice", 0, 1, 1},
		{"group-without-real-server", 0, 0, 0},
		{"instance-authentication-of-version-3", 2, 0, 0},
		{"instance-not-served", 1, 0, 0},
		{"instance-unicast-without-peer", 2, 0, 0},
		{"instance-without-address", 1, 0, 0},
		{"password-too-long", 1, 0, 0},
		{"real-port-differs", 0, 1, 1},
		{"real-twice", 0, 1, 1},
		{"server-not-served", 0, 1, 1},
		{"server-scheduler-missing", 0, 1, 1},
		{"server-without-port", 0, 3, 1},
		{"server-without-real-server", 0, 0, 0},
	} {
		t.Run(test.file, func(t *testing.T) {
			config, findings := Load(test.file+".conf", directory("testdata/findings"))
			if config == nil {
				t.Fatalf("found\n%s", lines(findings))
			}
			reals := 0
			if len(config.VirtualServers) > 0 {
				reals = len(config.VirtualServers[0].RealServers)
			}
			if len(config.Instances) != test.instances || len(config.VirtualServers) != test.servers || reals != test.realServers {
				t.Errorf("%d instances, %d virtual servers, %d real servers; want %d, %d, %d",
					len(config.Instances), len(config.VirtualServers), reals,
					test.instances, test.servers, test.realServers)
			}
		})
	}
}

func TestInterfacesThatTheHostLacks(t *testing.T) {
	const one = `vrrp_instance A {
  interface enp1s0
  virtual_router_id 51
  track_interface {
    enp2s0
  }
  virtual_ipaddress {
    192.168.100.221/24
    192.168.100.222/24 dev enp3s0
  }
}
`
	const another = "vrrp_instance B {\n interface enp4s0\n virtual_router_id 52\n virtual_ipaddress {\n 10.0.0.1/24\n }\n}\n"
	const waits = "; what is configured on it waits for it\n"
	const allAbsent = `main:2:13: error: no interface "enp1s0" on this host; it has eth0, lo` + "\n" +
		`main:5:5: error: no interface "enp2s0" on this host; it has eth0, lo` + "\n" +
		`main:9:28: error: no interface "enp3s0" on this host; it has eth0, lo` + "\n"
	for _, test := range []struct {
		name, text string
		host       Host
		want       string
	}{
		{"nothing is found when all are there", one, Host{Interfaces: strings.Fields("lo enp1s0 enp2s0 enp3s0")}, ""},
		{"every mention of an absent one is found", one, Host{Interfaces: strings.Fields("lo eth0")}, allAbsent},
		{"none is missed where they come and go", "global_defs {\n dynamic_interfaces\n}\n" + one, Host{Interfaces: strings.Fields("lo")}, ""},
		{"no start is refused when one instance has its interface", one + another, Host{Interfaces: strings.Fields("enp1s0 enp2s0 enp3s0"), Starting: true},
			`main:13:12: warning: no interface "enp4s0" on this host; it has enp1s0, enp2s0, enp3s0` + waits},
		{"a start is refused for one that is no instance's", one, Host{Interfaces: strings.Fields("enp1s0 enp2s0"), Starting: true},
			`main:9:28: error: no interface "enp3s0" on this host; it has enp1s0, enp2s0` + "\n"},
		{"a start is refused when none has", one, Host{Interfaces: strings.Fields("lo eth0"), Starting: true}, allAbsent},
		{"no reload is refused because of one that was named before", one + another,
			Host{Interfaces: strings.Fields("enp1s0 enp2s0"), Away: strings.Fields("enp3s0")},
			`main:9:28: warning: no interface "enp3s0" on this host; it has enp1s0, enp2s0` + waits +
				`main:13:12: error: no interface "enp4s0" on this host; it has enp1s0, enp2s0` + "\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := lines(mustLoad(t, test.text).CheckHost(test.host)); got != test.want {
				t.Errorf("found\n%swant\n%s", got, test.want)
			}
		})
	}
	if got, want := mustLoad(t, one+another).InterfaceNames(), strings.Fields("enp1s0 enp2s0 enp3s0 enp4s0"); !slices.Equal(got, want) {
		t.Errorf("it names %q, want %q", got, want)
	}
}

func TestBroadcastAddresses(t *testing.T) {
	for _, test := range []struct{ name, line, want string }{
		{"plus sets the host bits", "192.168.101.1/23 brd +", "192.168.101.255"},
		{"plus of a whole address is the address", "192.168.101.1 brd +", "192.168.101.1"},
		{"minus clears the host bits", "192.168.101.1/23 brd -", "192.168.100.0"},
		{"an address stands for itself", "192.168.101.1/23 broadcast 192.168.101.9", "192.168.101.9"},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := mustLoad(t, "vrrp_instance A {\n interface e\n virtual_router_id 1\n virtual_ipaddress {\n"+test.line+"\n}\n}\n")
			if got := config.Instances[0].Addresses[0].Broadcast.String(); got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestNearestWord(t *testing.T) {
	words := []string{"advert_int", "interface", "priority", "state", "virtual_router_id", "vrf"}
	for _, test := range []struct{ name, text, want string }{
		{"a letter is missing", "virtual_routr_id", "virtual_router_id"},
		{"a letter is too many", "priorrity", "priority"},
		{"a letter is wrong", "intarface", "interface"},
		{"two letters are swapped", "sttae", "state"},
		{"several errors in a long word", "vitual_ruoter-id", "virtual_router_id"},
		{"something else", "frobnicate", ""},
		{"a short word is not near to everything", "ab", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, _ := nearest(test.text, words); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	if !slices.IsSorted(words) {
		t.Error("the words are not in the order of a vocabulary")
	}
}

func TestNamesOfValues(t *testing.T) {
	for _, test := range []struct {
		value fmt.Stringer
		want  string
	}{
		{Master, "MASTER"}, {Backup, "BACKUP"},
		{AuthPass, "PASS"}, {AuthNone, "none"},
		{TCP, "TCP"}, {UDP, "UDP"},
		{Error, "error"}, {Warning, "warning"},
		{Position{"f", 1, 2}, "f:1:2"},
	} {
		if got := test.value.String(); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
}
