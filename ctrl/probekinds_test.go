package ctrl

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/dataplane"
)

// kindPorts are where the real servers answer each kind of check that goes over the network.
var kindPorts = map[string]uint16{
	"HTTP_GET": 8080, "SSL_GET": 8443, "TCP_CHECK": 80, "UDP_CHECK": 7007, "DNS_CHECK": 53, "SMTP_CHECK": 25, "PING_CHECK": 0,
}

// serveKinds answers each kind of check on a host. Datagrams are answered at the addresses, and from them.
func (p *probed) serveKinds(h *testbed.Host, addresses ...netip.Addr) {
	p.t.Helper()
	listen := func(kind string) net.Listener {
		listener, err := h.Listen("tcp", netip.AddrPortFrom(netip.IPv6Unspecified(), kindPorts[kind]).String())
		must(p.t, err)
		return listener
	}
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, h.Name()) })
	for _, kind := range []string{"HTTP_GET", "SSL_GET"} {
		web := &httptest.Server{Listener: listen(kind), Config: &http.Server{Handler: page}}
		if kind == "SSL_GET" {
			web.StartTLS()
		} else {
			web.Start()
		}
		p.t.Cleanup(web.Close)
	}
	mail := listen("SMTP_CHECK")
	p.t.Cleanup(func() { mail.Close() })
	go serveMail(mail)
	for _, address := range addresses {
		p.serveDatagrams(h, netip.AddrPortFrom(address, kindPorts["UDP_CHECK"]))
		p.answerDatagrams(h, netip.AddrPortFrom(address, kindPorts["DNS_CHECK"]), func(query []byte) []byte {
			const flags, response = 2, 0x80
			query[flags] |= response
			return query
		})
	}
}

// serveMail greets, and agrees to all that it is told.
func serveMail(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			io.WriteString(conn, "220 mail\r\n")
			for lines := bufio.NewScanner(conn); lines.Scan(); {
				io.WriteString(conn, "250 well\r\n")
			}
		}()
	}
}

// kindSpec is a check of a real server, by the way that is asked for.
func (p *probed) kindSpec(q config.Question, path config.CheckPath, server *testbed.Host, vip netip.Addr) checkSpec {
	to := netip.AddrPortFrom(server.Address(), kindPorts[q.Keyword()])
	check := config.Check{
		CheckTimes:  config.CheckTimes{ConnectTimeout: time.Second},
		CheckSocket: config.CheckSocket{To: to, Path: path}, Question: q,
	}
	v := &config.VirtualServer{Address: vip, Port: to.Port(), Protocol: config.TCP}
	return specsOf(v, &check, server.Address(), place{ifname: p.balancer.Interface()})[0]
}

// askOnce makes a check once, on the balancer. A check that is to go through the VIP and goes to the address is an error.
func (p *probed) askOnce(spec checkSpec) error {
	p.t.Helper()
	var astray asked
	probing := probingIn()
	probing.through = func(v via) vipNetwork {
		ways := new(probeWays)
		ways.space.Store(p.space)
		return vipNetwork{ways, v.ifname, v.server, &astray}
	}
	probes, err := probing.probesOf(spec)
	must(p.t, err)
	must(p.t, p.balancer.Do(func() error {
		err = probes[0](p.t.Context(), targetOf(spec)).Err
		return nil
	}))
	if len(astray) > 0 {
		p.t.Errorf("%s goes to %q", spec.name(), astray)
	}
	return err
}

// Each kind of check that goes over the network sees through the VIP whether clients are served, while this host holds the
// VIP itself. The real server that has lost it answers all of them at its own address.
func TestEveryKindOfCheckSeesThroughTheVIP(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, true)
	holder, loser := p.webs[0], p.webs[1]
	p.serveKinds(holder, holder.Address(), probedVIP, probedVIP6)
	p.serveKinds(loser, loser.Address())
	tried := 0
	for _, q := range questions() {
		if _, goes := kindPorts[q.Keyword()]; !goes {
			continue
		}
		tried++
		if datagram, is := q.(*config.UDPCheck); is {
			datagram.RequireReply = true // else it takes silence for health, through the VIP as well
		}
		for _, vip := range []netip.Addr{probedVIP, probedVIP6} {
			spec := p.kindSpec(q, config.PathVIP, holder, vip)
			if spec.via.vip != vip {
				t.Fatalf("%s with check_path vip goes to %s", q.Keyword(), spec.address())
			}
			if err := p.askOnce(spec); err != nil {
				t.Errorf("%s, which the real server has: %v", spec.name(), err)
			}
			spec = p.kindSpec(q, config.PathVIP, loser, vip)
			spec.times.ConnectTimeout = time.Second / 4
			err := p.askOnce(spec)
			if health.FailureOf(err) != health.Silent || errors.Is(err, health.ErrNotAsked) {
				t.Errorf("%s, which the real server has lost: %v, want silence", spec.name(), err)
			}
		}
		for _, server := range p.webs {
			if err := p.askOnce(p.kindSpec(q, config.PathAddress, server, probedVIP)); err != nil {
				t.Errorf("%s of %s at its own address: %v", q.Keyword(), server.Name(), err)
			}
		}
	}
	if tried != len(kindPorts) {
		t.Errorf("%d kinds were tried, want %d", tried, len(kindPorts))
	}
}
