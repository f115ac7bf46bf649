package config

import (
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"
)

// several writes a line or a block for each number.
func several(n int, format string) string {
	var text strings.Builder
	for i := range n {
		text.WriteString(strings.ReplaceAll(strings.ReplaceAll(format, "ADDRESS", fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255)), "NUMBER", fmt.Sprint(i)))
	}
	return text.String()
}

// TestLargeConfigurationsTakeTimeInProportion loads eight times as much and wants it to
// take about eight times as long, where every pair would be sixty-four times as many.
func TestLargeConfigurationsTakeTimeInProportion(t *testing.T) {
	const (
		instances = "vrrp_instance NUMBER {\ninterface eth1\nvirtual_router_id 1\nvirtual_ipaddress {\nADDRESS\n}\n}\n"
		elsewhere = "vrrp_instance NUMBER {\ninterface ethNUMBER\nvirtual_router_id 1\nuse_vmac\nvirtual_ipaddress {\n10.0.0.1\n}\n}\n"
		servers   = "virtual_server 10.0.0.1 80 {\nlb_kind DR\nreal_server ADDRESS {\n}\n}\n"
		head      = "virtual_server 10.0.0.1 80 {\nlb_kind DR\n"
	)
	for _, test := range []struct {
		name string
		text func(n int) string
	}{
		{"instances of one virtual router", func(n int) string { return several(n, instances) }},
		{"instances of one address and one virtual router id", func(n int) string { return several(n, elsewhere) }},
		{"members of a sync group", func(n int) string {
			return several(n, elsewhere) + "vrrp_sync_group G {\ngroup {\n" + several(n, "NUMBER\n") + "}\n}\n"
		}},
		{"members of no group that is there", func(n int) string {
			return several(n, elsewhere) + "vrrp_sync_group G {\ngroup {\n" + several(n, "xNUMBER\n") + "}\n}\n"
		}},
		{"virtual servers of one address", func(n int) string { return several(n, servers) }},
		{"VIPs and real servers outside of their networks", func(n int) string {
			return "vrrp_instance A {\ninterface eth1\nvirtual_router_id 1\nvirtual_ipaddress_excluded {\n10.0.0.1/24\n" + several(n, "ADDRESS/30\n") + "}\n}\n" +
				head + several(n, "real_server 1ADDRESS {\n}\n") + "}\n"
		}},
		{"real servers of one address", func(n int) string { return head + several(n, "real_server 10.0.0.2 {\n}\n") + "}\n" }},
		{"interfaces that are tracked twice", func(n int) string {
			track := "track_interface {\n" + several(n, "ethNUMBER\n") + "}\n"
			return "vrrp_instance A {\ninterface eth1\nvirtual_router_id 1\n" + track + "}\nvrrp_sync_group G {\ngroup {\nA\n}\n" + track + "}\n"
		}},
		{"checks of files", func(n int) string {
			return several(n, "track_file NUMBER {\nfile /run/NUMBER\n}\n") + head + several(n, "real_server ADDRESS {\nFILE_CHECK {\ntrack_file NUMBER\n}\n}\n") + "}\n"
		}},
		{"unknown words", func(n int) string { return several(n, "mysteryNUMBER\n") }},
	} {
		t.Run(test.name, func(t *testing.T) {
			const some = 500
			few, many := test.text(some), test.text(8*some)
			best := 0.0
			for range 3 {
				ratio := float64(cost(t, many)) / float64(cost(t, few))
				if best == 0 || ratio < best {
					best = ratio
				}
			}
			if t.Logf("%.1f times the time", best); best > 24 {
				t.Errorf("eight times as much takes %.1f times as long", best)
			}
		})
	}
}

// cost is the time of all CPUs that it takes to load a text, as two members of a pair.
func cost(t *testing.T, text string) time.Duration {
	t.Helper()
	before := cpuTime(t)
	one, _ := Load("one", memory{"one": text})
	two, _ := Load("two", memory{"two": text})
	CheckTogether([]*Config{one, two})
	return cpuTime(t) - before
}

// cpuTime is what this process has taken so far.
func cpuTime(t *testing.T) time.Duration {
	t.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
