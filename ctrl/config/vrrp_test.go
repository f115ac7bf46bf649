package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// load loads a text that has no error, whatever its warnings.
func load(t *testing.T, text string) *Config {
	t.Helper()
	config, findings := Load("main", memory{"main": text})
	if config == nil {
		t.Fatalf("found\n%s", lines(findings))
	}
	return config
}

// instanceText is an instance on enp1s0 with some settings and one VIP.
func instanceText(name string, id int, vip, settings string) string {
	return fmt.Sprintf("vrrp_instance %s {\n interface enp1s0\n virtual_router_id %d\n virtual_ipaddress {\n%s\n}\n%s\n}\n",
		name, id, vip, settings)
}

func TestWhoStartsAsMaster(t *testing.T) {
	for _, test := range []struct {
		name, settings string
		state          State
		priority       uint8
	}{
		{"nobody, without a word about it", "", Backup, 100},
		{"the owner of the addresses", "priority 255", Master, 255},
		{"not the owner who wants to be BACKUP", "priority 255\nstate BACKUP", Backup, 255},
		{"who says MASTER without a priority, as the owner", "state MASTER", Master, 255},
		{"who says MASTER with a priority, as what it is", "state MASTER\npriority 7", Master, 7},
		{"not who says MASTER with a priority in strict mode", "strict_mode\nstate MASTER\npriority 7", Backup, 7},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := load(t, instanceText("A", 1, "10.0.0.1", test.settings)).Instances[0]
			if i.State != test.state || i.Priority != test.priority {
				t.Errorf("got %s with %d, want %s with %d", i.State, i.Priority, test.state, test.priority)
			}
		})
	}
}

func TestVersionAndFamily(t *testing.T) {
	for _, test := range []struct {
		name, globals, vip, settings string
		version                      int
		ipv6                         bool
		group                        string
	}{
		{"IPv4 is of version 2", "", "10.0.0.1", "", 2, false, "224.0.0.18"},
		{"IPv4 is of the version in global_defs", "vrrp_version 3", "10.0.0.1", "", 3, false, "224.0.0.18"},
		{"IPv4 is of its own version", "vrrp_version 3", "10.0.0.1", "version 2", 2, false, "224.0.0.18"},
		{"IPv6 is of version 3, whatever global_defs say", "vrrp_version 2", "fe80::1", "", 3, true, "ff02::12"},
		{"without addresses the source decides", "", "", "mcast_src_ip 10.0.0.2", 2, false, "224.0.0.18"},
		{"groups come from global_defs", "vrrp_mcast_group4 224.0.0.20\nvrrp_mcast_group6 ff02::20", "fe80::1", "", 3, true, "ff02::20"},
		{"groups come from the instance before", "vrrp_mcast_group4 224.0.0.20", "10.0.0.1", "mcast_dst_ip 224.0.0.21", 2, false, "224.0.0.21"},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := load(t, "global_defs {\n"+test.globals+"\n}\n"+instanceText("A", 1, test.vip, test.settings)).Instances[0]
			if i.Version != test.version || i.IPv6() != test.ipv6 || i.MulticastGroup.String() != test.group {
				t.Errorf("got version %d, IPv6 %v, %s", i.Version, i.IPv6(), i.MulticastGroup)
			}
		})
	}
}

func TestAdvertInterval(t *testing.T) {
	for _, test := range []struct {
		name, settings string
		want           time.Duration
	}{
		{"a whole second in version 2", "advert_int 0.4", time.Second},
		{"255 seconds in version 2", "advert_int 255", 255 * time.Second},
		{"a hundredth of a second in version 3", "version 3\nadvert_int 0.01", 10 * time.Millisecond},
		{"the nearest hundredth in version 3", "version 3\nadvert_int 1.236", 1240 * time.Millisecond},
		{"at most 40.95 seconds in version 3", "version 3\nadvert_int 60", 40950 * time.Millisecond},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := load(t, instanceText("A", 1, "10.0.0.1", test.settings)).Instances[0].AdvertInterval; got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestAcceptMode(t *testing.T) {
	for _, test := range []struct {
		name, settings string
		want           bool
	}{
		{"is on", "", true},
		{"is off on demand", "no_accept", false},
		{"is what is written last", "no_accept\naccept", true},
		{"is off in strict mode", "strict_mode", false},
		{"is on for the owner in strict mode", "strict_mode\npriority 255", true},
		{"is on demand in strict mode of version 3", "strict_mode\nversion 3\naccept", true},
		{"is off in strict mode of version 2", "strict_mode\naccept", false},
		{"is off for an owner who does not want it", "priority 255\nno_accept", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := load(t, instanceText("A", 1, "10.0.0.1", test.settings)).Instances[0].Accept; got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestWhetherTheOwnerListens(t *testing.T) {
	const everybody = "global_defs {\n vrrp_owner_ignore_adverts\n}\n"
	for _, test := range []struct {
		name, globals, settings string
		ignores                 bool
		findings                string
	}{
		{"it does", "", "priority 255", false, ""},
		{"it does not on demand", "", "priority 255\nowner_ignore_adverts", true, ""},
		{"it does not where global_defs say so", everybody, "priority 255", true, ""},
		{"it does although global_defs say no", everybody, "priority 255\nowner_ignore_adverts off", false, ""},
		{"it does not in strict mode", "", "priority 255\nstrict_mode", true, ""},
		{"it does not in strict mode, whatever is written", "", "priority 255\nstrict_mode\nowner_ignore_adverts no", true,
			"main:9:22: warning: owner_ignore_adverts is always on in strict mode (RFC 9568 section 7.1)\n"},
		{"others always do", "", "owner_ignore_adverts", false,
			"main:7:1: warning: owner_ignore_adverts has no effect with priority 100: only priority 255 owns the addresses\n"},
		{"others do without a word where it is for all", everybody, "", false, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, findings := Load("main", memory{"main": test.globals + instanceText("A", 1, "10.0.0.1", test.settings)})
			if config == nil || config.Instances[0].OwnerIgnoresAdverts != test.ignores || lines(findings) != test.findings {
				t.Errorf("got %+v\n%s", config, lines(findings))
			}
		})
	}
}

// TestWhoIsToldOfPriorities is measured with keepalived 2.2.7.
func TestWhoIsToldOfPriorities(t *testing.T) {
	const on, off = "notify_priority_changes", "notify_priority_changes off"
	for _, test := range []struct {
		name, globals, group, instance string
		want                           bool
	}{
		{"nobody by default", "", "", "", false},
		{"those who want it", "", "", on, true},
		{"all, where global_defs say so", "vrrp_" + on, "", "", true},
		{"not one who does not want it", "vrrp_" + on, "", off, false},
		{"the members of a group that wants it", "", on, "", true},
		{"not the members of a group that does not", "vrrp_" + on, off, "", false},
		{"a member who wants it", "", off, on, true},
		{"not a member who does not", "", on, off, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := mustLoad(t, "global_defs {\n"+test.globals+"\n}\n"+instanceText("A", 1, "10.0.0.1", test.instance)+
				instanceText("B", 2, "10.0.0.2", "")+"vrrp_sync_group G {\n group {\n A\n B\n }\n "+test.group+"\n}\n").Instances[0]
			if i.NotifyPriorityChanges != test.want {
				t.Errorf("got %v", i.NotifyPriorityChanges)
			}
		})
	}
}

func TestStrictModeOfGlobalDefs(t *testing.T) {
	const globals = "global_defs {\n vrrp_strict\n vrrp_down_timer_adverts 5\n}\n"
	strict := mustLoad(t, globals+instanceText("A", 1, "10.0.0.1", "")).Instances[0]
	if !strict.Strict || strict.HigherPrioSendAdvert || !strict.LowerPrioNoAdvert || strict.DownTimerAdverts != 3 ||
		strict.GARP.LowerPrioRepeat != 0 || strict.GARP.MasterRepeat != 5 {
		t.Errorf("strict: %+v", strict)
	}
	free := mustLoad(t, globals+instanceText("A", 1, "10.0.0.1", "strict_mode off")).Instances[0]
	if free.Strict || !free.HigherPrioSendAdvert || free.LowerPrioNoAdvert || free.DownTimerAdverts != 5 {
		t.Errorf("not strict: %+v", free)
	}
}

// TestRouterIDs: IPv4 and IPv6 number their virtual routers apart, RFC 9568
// section 5.2.3.
func TestRouterIDs(t *testing.T) {
	mustLoad(t, instanceText("A", 51, "10.0.0.1", "")+instanceText("B", 51, "fe80::1", ""))
}

func TestAddressesThatDoNotFit(t *testing.T) {
	for _, test := range []struct {
		name, format      string
		vips, excluded    int
		advertised, moved int
	}{
		{"255 of IPv4 fit", "10.0.%d.%d", 255, 0, 255, 0},
		{"more of IPv4 go before what is excluded", "10.0.%d.%d", 300, 1, 255, 46},
		{"89 of IPv6 fit", "fe80::%x:%x", 89, 0, 89, 0},
		{"more of IPv6 are excluded", "fe80::%x:%x", 100, 0, 89, 11},
	} {
		t.Run(test.name, func(t *testing.T) {
			var vips strings.Builder
			for n := range test.vips {
				fmt.Fprintf(&vips, test.format+"\n", n/200, 1+n%200)
			}
			excluded := "virtual_ipaddress_excluded {\n" + strings.Repeat("10.9.9.9\n", test.excluded) + "}\n"
			i := load(t, instanceText("A", 1, vips.String(), excluded)).Instances[0]
			if len(i.Addresses) != test.advertised || len(i.ExcludedAddresses) != test.moved {
				t.Errorf("%d advertised, %d excluded", len(i.Addresses), len(i.ExcludedAddresses))
			}
			last := fmt.Sprintf(test.format, (test.vips-1)/200, 1+(test.vips-1)%200)
			if test.excluded > 0 && i.ExcludedAddresses[test.moved-2].Prefix.Addr().String() != last {
				t.Errorf("the order is %v", i.ExcludedAddresses)
			}
		})
	}
}

func TestDeprecatedAddresses(t *testing.T) {
	i := mustLoad(t, instanceText("A", 1, "fe80::1/64\nfe80::2\nfe80::3/128 preferred_lft forever\nfe80::4/64 preferred_lft 0", "")).Instances[0]
	var got []bool
	for _, a := range i.Addresses {
		got = append(got, a.Deprecated)
	}
	if want := []bool{false, true, false, true}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestVirtualMACs(t *testing.T) {
	for _, test := range []struct {
		name, vip, settings, want string
		base                      bool
	}{
		{"of IPv4", "10.0.0.1", "use_vmac", "vrrp.51 00:00:5e:00:01:33", false},
		{"of IPv6", "fe80::1", "use_vmac", "vrrp6.51 00:00:5e:00:02:33", false},
		{"with a name", "10.0.0.1", "use_vmac lb0", "lb0 00:00:5e:00:01:33", false},
		{"with an address of its own", "10.0.0.1", "use_vmac 02:00:00:00:00:01", "vrrp.51 02:00:00:00:00:01", false},
		{"with five bytes of an address", "10.0.0.1", "use_vmac lb0 02:00:00:00:aa", "lb0 02:00:00:00:aa:33", false},
		{"whose adverts leave by the interface below", "10.0.0.1", "vmac_xmit_base\nuse_vmac", "vrrp.51 00:00:5e:00:01:33", true},
		{"of unicast, whose adverts cannot leave by it", "10.0.0.1", "use_vmac\nunicast_peer {\n10.0.0.9\n}", "vrrp.51 00:00:5e:00:01:33", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := load(t, instanceText("A", 51, test.vip, test.settings)).Instances[0].VMAC
			if got := v.Name + " " + v.Address.String(); got != test.want || v.TransmitBase != test.base {
				t.Errorf("got %s, base %v", got, v.TransmitBase)
			}
		})
	}
	t.Run("of one number have different names", func(t *testing.T) {
		text := ""
		for _, name := range []string{"enp1s0", "eth1", "eth2"} {
			text += strings.ReplaceAll(instanceText(name, 51, "10.0.0.1", "use_vmac"), "interface enp1s0", "interface "+name)
		}
		var got []string
		for _, i := range mustLoad(t, text).Instances {
			got = append(got, i.VMAC.Name)
		}
		if want := []string{"vrrp.51", "vrrp1.51", "vrrp2.51"}; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// TestAddressesOnVirtualMACs: as in keepalived, those of the family and the
// interface of the instance are there.
func TestAddressesOnVirtualMACs(t *testing.T) {
	config := mustLoad(t, instanceText("A", 51, "10.0.0.1\n10.0.0.2 dev enp1s0\n10.0.0.3 dev eth1",
		"use_vmac\nvirtual_ipaddress_excluded {\n10.0.0.4\nfd00::1\n}\nvirtual_routes {\ndefault via 10.0.0.9 dev vrrp.51\n}"))
	i := config.Instances[0]
	got := map[string]bool{}
	for _, a := range slices.Concat(i.Addresses, i.ExcludedAddresses) {
		got[a.Prefix.Addr().String()+" "+a.Interface] = a.OnVMAC
	}
	want := map[string]bool{"10.0.0.1 enp1s0": true, "10.0.0.2 enp1s0": true, "10.0.0.3 eth1": false, "10.0.0.4 enp1s0": true, "fd00::1 enp1s0": false}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if findings := config.CheckHost(Host{Interfaces: []string{"enp1s0", "eth1"}}); len(findings) > 0 {
		t.Errorf("the host must not have the virtual MAC's interface:\n%s", lines(findings))
	}
}

func TestUnicast(t *testing.T) {
	for _, test := range []struct {
		name, settings string
		peers          int
		check, fault   bool
	}{
		{"goes to its peers", "unicast_peer {\n10.0.0.8\n10.0.0.9\n}", 2, false, false},
		{"hears peers only, if asked", "check_unicast_src\nunicast_peer {\n10.0.0.8\n}", 1, true, false},
		{"hears peers only, if TTLs are", "unicast_peer {\n10.0.0.8 max_ttl 255\n}", 1, true, false},
		{"is a fault without peers, if asked", "check_unicast_src\nunicast_fault_no_peer\n", 0, false, true},
		{"is multicast without peers", "check_unicast_src", 0, false, false},
		{"has no fault with peers", "unicast_fault_no_peer\nunicast_peer {\n10.0.0.8\n}", 1, false, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			i := load(t, instanceText("A", 1, "10.0.0.1", test.settings)).Instances[0]
			if len(i.Unicast) != test.peers || i.CheckUnicastSource != test.check || i.UnicastFaultNoPeer != test.fault {
				t.Errorf("%d peers, check %v, fault %v", len(i.Unicast), i.CheckUnicastSource, i.UnicastFaultNoPeer)
			}
		})
	}
}
