package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// doctor asks `drover doctor` on a host and returns its findings by kind.
func (n *network) doctor(h *testbed.Host) (found map[string]api.Finding, code int) {
	n.t.Helper()
	stdout, stderr, code := n.ask(h, "doctor", "--json")
	var list []api.Finding
	if err := json.Unmarshal([]byte(stdout), &list); err != nil {
		n.t.Fatalf("drover doctor: %v: %s%s", err, stdout, stderr)
	}
	found = make(map[string]api.Finding)
	for _, f := range list {
		if f.Text == "" || f.Evidence == "" || f.Cure == "" {
			n.t.Errorf("a part is missing in %+v", f)
		}
		found[f.Kind] = f
	}
	return found, code
}

func TestTheDoctorOnAHostWhereAllIsWell(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	n.startPair()
	for _, h := range []*testbed.Host{n.low, n.high} {
		found, code := n.doctor(h)
		for kind, f := range found {
			if f.Severity == api.SeverityError {
				t.Errorf("on %s, %s: %+v", h.Name(), kind, f)
			}
		}
		if code != exitDone {
			t.Errorf("drover doctor exits with %d on %s", code, h.Name())
		}
		text, _, _ := n.ask(h, "doctor")
		if strings.Contains(text, "error: ") || text == "" {
			t.Errorf("drover doctor prints on %s\n%s", h.Name(), text)
		}
	}
}

func TestTheDoctorFindsWhatIsWrongOnTheHostAndOnTheLAN(t *testing.T) {
	t.Parallel()
	n := newBalancers(t)
	n.addWeb(testbed.RealServer("web150", mac(t, "b8:27:eb:b3:bb:e1"), prefixes("192.168.100.150/24")[0], vip))
	spec := testbed.AliasedRealServer("web151", mac(t, "b8:27:eb:92:a5:e2"), prefixes("192.168.100.151/24")[0], vip)
	spec.Addresses = append(spec.Addresses, prefixes("192.168.100.152/24")...)
	n.addWeb(spec)
	n.must(n.low.WriteFile(defaultConfig, instance(11, vip.String())+virtualServer(vip.String()+" 80", "rr", "TCP",
		unchecked("192.168.100.150 80", 1), unchecked("192.168.100.151 80", 1), unchecked("192.168.100.152 80", 1))))
	n.run(n.low, "ip addr add 192.168.100.221/32 dev lo", "umount /sys/fs/bpf")
	found, code := n.doctor(n.low)
	for kind, severity := range map[string]string{"vip-misplaced": api.SeverityError, "bpffs": api.SeverityError, "daemon": api.SeverityNotice} {
		if found[kind].Severity != severity {
			t.Errorf("without a daemon: found %+v, want %s", found, kind)
		}
	}
	if code != exitFailed {
		t.Errorf("drover doctor exits with %d", code)
	}

	n.run(n.low, "mount -t bpf bpf /sys/fs/bpf", "ip addr del 192.168.100.221/32 dev lo")
	d := n.start(n.low)
	n.untilState(n.low, "MASTER")
	n.untilUp(n.low, 3)
	d.untilLogged("answers ARP for the VIP")
	d.untilLogged("one MAC address")
	found, code = n.doctor(n.low)
	answers, twins := found["vip-answered"], found["mac-twice"]
	if !strings.Contains(answers.Subject, "192.168.100.151") || !strings.Contains(answers.Cure, "arp_ignore=1") || code != exitFailed {
		t.Errorf("a real server that answers ARP for the VIP: found %+v, exit code %d", answers, code)
	}
	if twins.Subject != "192.168.100.151, 192.168.100.152" || !strings.Contains(twins.Evidence, "b8:27:eb:92:a5:e2") {
		t.Errorf("two real servers with one MAC address: found %+v", twins)
	}
	if wrong := slices.ContainsFunc([]string{"bpffs", "vip-misplaced", "xdp-other", "daemon"}, func(kind string) bool { return found[kind].Kind != "" }); wrong {
		t.Errorf("what is right is found, too: %+v", found)
	}
}
