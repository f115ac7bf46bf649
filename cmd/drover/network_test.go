package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// network is the LAN of the end-to-end tests: two balancers that share a VIP, two web servers that hold it, a client.
type network struct {
	t        *testing.T
	lab      *testbed.Lab
	low      *testbed.Host // priority 11
	high     *testbed.Host // priority 12
	webs     []*testbed.Host
	client   *testbed.Host
	patience time.Duration
}

var vip = netip.MustParseAddr("192.168.100.221")

func newNetwork(t *testing.T) *network {
	testbed.Require(t)
	lab, err := testbed.New(testbed.Options{Name: "e2e", Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	n := &network{t: t, lab: lab, patience: 10 * time.Second}
	n.low = n.host(testbed.HostSpec{
		Name: "low", Interface: "enp1s0", MAC: mac(t, "00:0d:b9:41:e0:7c"), Addresses: prefixes("192.168.100.211/24"),
		Files: map[string]string{defaultConfig: tutorialConfig(11)},
	})
	n.high = n.host(testbed.HostSpec{
		Name: "high", Interface: "enp1s0", MAC: mac(t, "00:0d:b9:33:12:a4"), Addresses: prefixes("192.168.100.212/24"),
		Files: map[string]string{defaultConfig: tutorialConfig(12)},
	})
	for i, m := range []string{"b8:27:eb:b3:bb:e1", "b8:27:eb:92:a5:e2"} {
		name := fmt.Sprintf("web%d", 150+i)
		h := n.host(testbed.RealServer(name, mac(t, m), netip.MustParsePrefix(fmt.Sprintf("192.168.100.%d/24", 150+i)), vip))
		n.webs = append(n.webs, h)
		n.serveWeb(h)
	}
	n.client = n.host(testbed.HostSpec{
		Name: "client", Interface: "eth0", MAC: mac(t, "00:21:cc:00:00:04"), Addresses: prefixes("192.168.100.4/24"),
	})
	return n
}

func (n *network) host(spec testbed.HostSpec) *testbed.Host {
	n.t.Helper()
	h, err := n.lab.AddHost(spec)
	if err != nil {
		n.t.Fatal(err)
	}
	return h
}

func mac(t *testing.T, s string) testbed.MAC {
	t.Helper()
	m, err := net.ParseMAC(s)
	if err != nil {
		t.Fatal(err)
	}
	return testbed.MAC(m)
}

func prefixes(list ...string) []netip.Prefix {
	var out []netip.Prefix
	for _, s := range list {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

// tutorialConfig is what the first users have on a balancer.
func tutorialConfig(priority int) string {
	real := func(last int) string {
		return fmt.Sprintf(`  real_server 192.168.100.%d 80 {
    weight 1
    inhibit_on_failure
    HTTP_GET {
      url {
        path /index.html
        status_code 200
      }
      connect_timeout 1
      nb_get_retry 1
      delay_before_retry 1
    }
  }
`, last)
	}
	return fmt.Sprintf(`
vrrp_instance SERVICE {
  state MASTER
  interface enp1s0
  garp_master_delay 5
  virtual_router_id 110
  priority %d
  advert_int 1
  authentication {
    auth_type PASS
    auth_pass def345
  }
  virtual_ipaddress {
    192.168.100.221/24 dev enp1s0
  }
}

virtual_server 192.168.100.221 80 {
  delay_loop 1
  lb_algo rr
  lb_kind DR
  protocol TCP
%s%s}
`, priority, real(150), real(151))
}

// serveWeb answers on port 80 of a real server with its name.
func (n *network) serveWeb(h *testbed.Host) {
	n.t.Helper()
	listener, err := h.Listen("tcp", "0.0.0.0:80")
	if err != nil {
		n.t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, h.Name())
	})}
	go server.Serve(listener)
	n.t.Cleanup(func() { server.Close() })
}

// daemon is a running `drover run` on a host.
type runningDaemon struct {
	*testbed.Cmd
	host *testbed.Host
	log  *strings.Builder
}

func (n *network) drover(h *testbed.Host, args ...string) *testbed.Cmd {
	n.t.Helper()
	self, err := os.Executable()
	if err != nil {
		n.t.Fatal(err)
	}
	cmd := h.Command(context.Background(), self, args...)
	cmd.Env = append(os.Environ(), asDrover+"=1")
	return cmd
}

// start begins `drover run` and ends it with the test.
func (n *network) start(h *testbed.Host, args ...string) *runningDaemon {
	n.t.Helper()
	d := &runningDaemon{Cmd: n.drover(h, append([]string{"run"}, args...)...), host: h, log: new(strings.Builder)}
	d.Stdout, d.Stderr = d.log, d.log
	if err := d.Start(); err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		d.Process.Kill()
		d.Wait()
		if n.t.Failed() {
			n.t.Logf("log of %s:\n%s", h.Name(), d.log)
		}
	})
	return d
}

func (n *network) status(h *testbed.Host) (api.Status, error) {
	var s api.Status
	out, err := n.drover(h, "status", "--json").Output()
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(out, &s)
}

// until waits for a condition.
func (n *network) until(what string, condition func() (bool, error)) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), n.patience)
	defer cancel()
	if err := testbed.Until(ctx, condition); err != nil {
		n.t.Fatalf("waiting until %s: %v", what, err)
	}
}

// untilState waits for a VRRP state.
func (n *network) untilState(h *testbed.Host, state string) {
	n.t.Helper()
	n.until(h.Name()+" is "+state, func() (bool, error) {
		s, err := n.status(h)
		return err == nil && len(s.Instances) == 1 && s.Instances[0].State == state, nil
	})
}

// get asks the VIP once over a new connection and returns who answered.
func (n *network) get() (string, error) {
	client := http.Client{
		Transport: &http.Transport{DialContext: n.client.Dial, DisableKeepAlives: true}, Timeout: 2 * time.Second,
	}
	response, err := client.Get("http://" + vip.String() + "/index.html")
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return string(body), err
}
