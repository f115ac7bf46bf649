package config

import (
	"errors"
	"net/netip"
	"testing"
)

func TestWhatTheHostDoesNotFit(t *testing.T) {
	const text = `vrrp_instance A {
  interface enp1s0
  virtual_router_id 51
  virtual_ipaddress {
    192.168.100.221/24
  }
}
virtual_server 192.168.100.221 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.168.100.150 80 {
  }
}
`
	good := HostLink{Up: true, MTU: 1500, Driver: "igb", Addresses: []netip.Prefix{netip.MustParsePrefix("192.168.100.211/24")}}
	for _, test := range []struct {
		name, text string
		change     func(*HostLink)
		want       string
	}{
		{"a good host", text, func(*HostLink) {}, ""},
		{"an interface that is down", text, func(l *HostLink) { l.Up = false },
			"main:2:13: warning: interface enp1s0 is down, or has no carrier\n"},
		{"a driver without XDP", text, func(l *HostLink) { l.Driver = "e1000e" },
			"main:2:13: warning: driver e1000e of enp1s0 runs no XDP programs: packets take the slower generic way\n"},
		{"an MTU too large for XDP", text, func(l *HostLink) { l.MTU = 9000 },
			"main:2:13: warning: driver igb of enp1s0 runs XDP programs with an MTU up to 3046, and it is 9000: packets take the slower generic way\n"},
		{"no address for adverts", text, func(l *HostLink) { l.Addresses = nil },
			"main:1:1: warning: interface enp1s0 of instance A has no IPv4 address to send adverts from\n" +
				"main:12:3: warning: real server 192.168.100.150 is in no network of this host: direct return needs it on the same LAN\n"},
		{"another network", text, func(l *HostLink) { l.Addresses = []netip.Prefix{netip.MustParsePrefix("192.168.101.211/24")} },
			"main:5:5: warning: 192.168.100.221 is in none of the networks of enp1s0, 192.168.101.0/24: hosts there do not ask for it by ARP\n" +
				"main:12:3: warning: real server 192.168.100.150 is in no network of this host: direct return needs it on the same LAN\n"},
		{"a source that another host has", "vrrp_instance A {\n interface enp1s0\n virtual_router_id 1\n mcast_src_ip 192.168.100.212\n" +
			" virtual_ipaddress {\n 192.168.100.221\n }\n}\n", func(*HostLink) {},
			"main:1:1: warning: instance A sends its adverts from 192.168.100.212, which is no address of this host\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			link := good
			test.change(&link)
			host := Host{Interfaces: []string{"enp1s0"}, Links: map[string]HostLink{"enp1s0": link}}
			if got := lines(mustLoad(t, test.text).CheckHost(host)); got != test.want {
				t.Errorf("found\n%swant\n%s", got, test.want)
			}
		})
	}
}

func TestFilesThatTheHostDoesNotHave(t *testing.T) {
	config := mustLoad(t, `SSL {
  password x
  certificate /none
  key /none.key
}
vrrp_script S {
  script "away -x"
}
vrrp_instance A {
  interface enp1s0
  virtual_router_id 51
  notify_master "/none master"
  virtual_ipaddress {
    192.168.100.221/24
  }
  track_script {
    S
  }
}
virtual_server 192.168.100.221 80 {
  lb_algo rr
  lb_kind DR
  protocol TCP
  real_server 192.168.100.150 80 {
    notify_up here
    MISC_CHECK {
      misc_path away
    }
  }
}
`)
	host := Host{Interfaces: []string{"enp1s0"}}
	if got := lines(config.CheckHost(host)); got != "" {
		t.Errorf("found without being asked\n%s", got)
	}
	find := func(name string) error {
		if name == "here" || name == "/here" {
			return nil
		}
		return errors.New("gone")
	}
	host.File, host.Program = find, find
	const want = `main:3:15: warning: certificate: file /none cannot be found: gone
main:4:7: warning: key: file /none.key cannot be found: gone
main:7:10: warning: script: program away cannot be found: gone
main:12:17: warning: notify_master: program /none cannot be found: gone
main:27:17: warning: misc_path: program away cannot be found: gone
`
	if got := lines(config.CheckHost(host)); got != want {
		t.Errorf("found\n%swant\n%s", got, want)
	}
}
