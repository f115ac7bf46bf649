package main

import (
	"crypto/md5"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// checkedPages are a web server that wants to be asked exactly as its check is configured.
type checkedPages struct {
	from    string // where connections come from; as far as it is fixed
	version string // of HTTP

	mu    sync.Mutex
	other string      // the path whose page is another one now
	asked []time.Time // when for a page, as it is to be
}

// The hosts by which the pages are asked for, and the pages.
const checkedHost, versionHost = "www.example", "version.example"

var checkedTexts = map[string]string{"/": "hello\n", "/version": "served by version 12\n"}

func (p *checkedPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host := checkedHost
	if r.URL.Path == "/version" {
		host = versionHost
	}
	named := r.TLS == nil || r.TLS.ServerName == host
	if !strings.HasPrefix(r.RemoteAddr, p.from) || r.Host != host || r.Proto != p.version || !named {
		http.Error(w, "asked otherwise than configured", http.StatusForbidden)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, time.Now())
	text, is := checkedTexts[r.URL.Path]
	switch {
	case !is:
		http.NotFound(w, r)
	case r.URL.Path == p.other:
		io.WriteString(w, "another page\n")
	default:
		io.WriteString(w, text)
	}
}

// change makes the page of a path another one; of none for "".
func (p *checkedPages) change(path string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.other = path
}

// firstRound is how long the first requests took for the pages, one each.
func (p *checkedPages) firstRound() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.asked) < checkedURLs {
		return 0
	}
	return p.asked[checkedURLs-1].Sub(p.asked[0])
}

const checkedURLs = 3

// pageCheck is a check of a real server's pages, all of which are wanted.
func pageCheck(address, keyword string, settings ...string) string {
	digest := md5.Sum([]byte(checkedTexts["/"]))
	return fmt.Sprintf(`  real_server %s 80 {
    %s {
      url {
        path /
        digest %x
      }
      url {
        path /version
        virtualhost %s
        regex "^served by VERSION [0-9]+$"
        regex_options caseless multiline
      }
      url {
        path /gone
        status_code 404 410
      }
      virtualhost %s
      fwmark 7
      connect_timeout 2
      retry 0
      warmup 0
      alpha
      %s
    }
  }
`, address, keyword, digest, versionHost, checkedHost, strings.Join(settings, "\n      "))
}

// servePages serves at a port of a host, by TLS if it is told to.
func (n *network) servePages(h *testbed.Host, port int, secure bool, pages *checkedPages) {
	n.t.Helper()
	listener, err := h.Listen("tcp", fmt.Sprintf(":%d", port))
	n.must(err)
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: pages}, TLS: new(tls.Config)}
	if secure {
		server.StartTLS()
	} else {
		server.Start()
	}
	n.t.Cleanup(server.Close)
}

// Each setting of HTTP_GET and SSL_GET has its effect in the daemon. The balancer lets only marked packets out to the pages,
// and the servers refuse who asks from elsewhere, or for another host than is configured.
func TestChecksOfPagesAskAsConfiguredAndSeeWhenAPageIsAnother(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	plain := &checkedPages{from: "192.168.100.213:1950", version: "HTTP/1.1"}
	secure := &checkedPages{from: "192.168.100.213:", version: "HTTP/1.0"}
	n.servePages(n.webs[0], 8080, false, plain)
	n.servePages(n.webs[1], 8443, true, secure)
	n.run(n.high, "ip addr add 192.168.100.213/24 dev enp1s0",
		"ip rule add pref 4 fwmark 7 lookup main", "ip rule add pref 5 ipproto tcp dport 8080-8443 prohibit")
	n.must(n.high.WriteFile(defaultConfig, instance(12, vip.String())+virtualServer(vip.String()+" 80", "rr", "TCP",
		pageCheck("192.168.100.150", "HTTP_GET", "connect_port 8080", "bindto 192.168.100.213", "bind_port 1950", "http_protocol 1.1",
			"delay_loop 0.4"),
		pageCheck("192.168.100.151", "SSL_GET", "connect_port 8443", "bindto 192.168.100.213", "enable_sni", "fast_recovery"))))
	n.start(n.high)
	n.untilState(n.high, "MASTER")
	n.untilUp(n.high, 2)
	// Without it the pages are asked for delay_loop apart, which makes 0.8 s for the one and would make 2 s for the other.
	if took := plain.firstRound(); took < time.Second/2 {
		t.Errorf("without fast_recovery the pages are asked for within %s", took)
	}
	if took := secure.firstRound(); took > time.Second {
		t.Errorf("with fast_recovery the pages are asked for within %s", took)
	}
	n.mustShare(10, map[string]int{"web150": 5, "web151": 5})
	for _, test := range []struct{ path, reason string }{
		{"/", "body has digest "}, {"/version", `body does not match "^served by VERSION [0-9]+$"`},
	} {
		plain.change(test.path)
		secure.change(test.path)
		n.untilBothDown("GET "+test.path+" from ", test.reason)
		plain.change("")
		secure.change("")
		n.untilUp(n.high, 2)
	}
	n.run(n.high, "ip rule del pref 4") // which shows that the mark lets them out
	n.untilBothDown("permission denied")
}

// untilBothDown waits until both real servers are down for one reason.
func (n *network) untilBothDown(reason ...string) {
	n.t.Helper()
	n.untilStatus(n.high, "both down: "+strings.Join(reason, ""), func(s api.Status) bool {
		for _, web := range n.webs {
			r := realServerOf(s, web)
			for _, part := range reason {
				if r.Up || !strings.Contains(r.Reason, part) {
					return false
				}
			}
		}
		return true
	})
}
