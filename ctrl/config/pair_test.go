package config

import (
	"strings"
	"testing"
)

const firstMember = `vrrp_instance A {
  interface enp1s0
  virtual_router_id 51
  priority 12
  virtual_ipaddress {
    192.168.100.221/24
    192.168.100.222/24
  }
}
`

const unicastMember = `vrrp_instance A {
  interface enp1s0
  virtual_router_id 51
  priority 12
  unicast_src_ip 192.168.100.211
  unicast_peer {
    192.168.100.212
  }
  virtual_ipaddress {
    192.168.100.221/24
  }
}
`

// TestMembersOfOneRouter changes a word of the second of two equal members.
func TestMembersOfOneRouter(t *testing.T) {
	const (
		peer     = "instance A and its peer A at one:1:1"
		split    = ": they refuse each other's adverts, and both become MASTER\n"
		bothWays = "two:1:1: error: "
	)
	for _, test := range []struct{ name, member, from, to, want string }{
		{"with different priorities is well", firstMember, "priority 12", "priority 11", ""},
		{"of another id is none", firstMember, "virtual_router_id 51\n  priority 12", "virtual_router_id 52\n  priority 12", ""},
		{"of another interface and other addresses is none", firstMember,
			"interface enp1s0", "interface eth1", "two:1:1: warning: " + peer + " have the same priority 12: the higher address decides; write different ones\n"},
		{"with the same priority ties", firstMember, "", "",
			"two:1:1: warning: " + peer + " have the same priority 12: the higher address decides; write different ones\n"},
		{"with another version", firstMember, "priority 12", "priority 11\n  version 3", bothWays + peer + " have VRRP versions 3 and 2" + split},
		{"with a password of its own", firstMember, "priority 12", "priority 11\n  authentication {\n auth_type PASS\n auth_pass x\n }",
			bothWays + peer + " have different authentication" + split},
		{"with another interval", firstMember, "priority 12", "priority 11\n  advert_int 2", bothWays + peer + " have advert_int 2 and 1" + split},
		{"with an address less", firstMember, "priority 12\n  virtual_ipaddress {\n    192.168.100.221/24", "priority 11\n  virtual_ipaddress {",
			bothWays + "only one of " + peer + " has 192.168.100.221: a keepalived refuses the adverts of the other one, and both become MASTER\n"},
		{"with an address more", firstMember, "priority 12\n  virtual_ipaddress {", "priority 11\n  virtual_ipaddress {\n    192.168.100.223/24",
			"two:6:5: error: only one of " + peer + " has 192.168.100.223: a keepalived refuses the adverts of the other one, and both become MASTER\n"},
		{"with another order", firstMember, "priority 12\n  virtual_ipaddress {\n    192.168.100.221/24\n    192.168.100.222/24",
			"priority 11\n  virtual_ipaddress {\n    192.168.100.222/24\n    192.168.100.221/24",
			"two:1:1: warning: " + peer + " have their addresses in different orders: write them alike\n"},
		{"with another group", firstMember, "priority 12", "priority 11\n  mcast_dst_ip 224.0.0.19",
			bothWays + peer + " have the multicast groups 224.0.0.19 and 224.0.0.18: they do not hear each other, and both become MASTER\n"},
		{"that alone does not preempt", firstMember, "priority 12", "priority 11\n  nopreempt",
			"two:1:1: warning: " + peer + " do not both have nopreempt: only one of them leaves a working MASTER alone\n"},
		{"that has no peers", unicastMember, "priority 12\n  unicast_src_ip 192.168.100.211\n  unicast_peer {\n    192.168.100.212\n  }", "priority 11",
			bothWays + peer + " do not both have unicast_peer: they do not hear each other, and both become MASTER\n"},
		{"that the other one does not name", unicastMember,
			"priority 12\n  unicast_src_ip 192.168.100.211\n  unicast_peer {\n    192.168.100.212", "priority 11\n  unicast_src_ip 192.168.100.213\n  unicast_peer {\n    192.168.100.211",
			bothWays + "of " + peer + ", one:1:1 does not name 192.168.100.213, the unicast_src_ip of the other one: its adverts do not get there\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := strings.Replace(test.member, test.from, test.to, 1)
			if test.from != "" && text == test.member {
				t.Fatal("nothing was changed")
			}
			one, _ := Load("one", memory{"one": test.member})
			two, findings := Load("two", memory{"two": text})
			if two == nil {
				t.Fatalf("found\n%s", lines(findings))
			}
			if got := lines(CheckTogether([]*Config{one, nil, two})); got != test.want {
				t.Errorf("found\n%swant\n%s", got, test.want)
			}
		})
	}
}
