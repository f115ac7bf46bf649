package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"drover/bench/testbed"
)

// answerTime bounds each exchange of the clients.
const answerTime = 5 * time.Second

// connection is one TCP connection of a client to a web server behind a VIP.
type connection struct {
	net.Conn
	reader *bufio.Reader
}

// dial opens a connection to port 80.
func (n *network) dial(from *testbed.Host, address netip.Addr) (*connection, error) {
	return n.dialPort(from, netip.AddrPortFrom(address, 80))
}

func (n *network) dialPort(from *testbed.Host, to netip.AddrPort) (*connection, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 2*answerTime)
	defer cancel()
	conn, err := from.Dial(ctx, "tcp", to.String())
	if err != nil {
		return nil, err
	}
	return &connection{conn, bufio.NewReader(conn)}, nil
}

// ask makes one request, leaves the connection open and returns who answered.
func (c *connection) ask() (string, error) {
	answer, err := c.request("/index.html")
	if err != nil {
		return "", err
	}
	defer answer.Close()
	body, err := io.ReadAll(answer)
	return string(body), err
}

// request asks for a page and returns it as it comes.
func (c *connection) request(path string) (io.ReadCloser, error) {
	if err := c.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: service\r\n\r\n", path); err != nil {
		return nil, err
	}
	response, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return nil, err
	}
	return response.Body, nil
}

// download asks for a page of so many bytes and reads it to its end. Halfway it stops reading and calls halfway; its
// socket holds a small part of the rest.
func (c *connection) download(size int64, halfway func()) error {
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(1 << 18); err != nil {
		return err
	}
	page, err := c.request(fmt.Sprintf("/download/%d", size))
	if err != nil {
		return err
	}
	defer page.Close()
	if _, err := io.CopyN(io.Discard, page, size/2); err != nil {
		return fmt.Errorf("the first half of a download: %w", err)
	}
	halfway()
	if err := c.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	if n, err := io.Copy(io.Discard, page); n != size-size/2 || err != nil {
		return fmt.Errorf("the second half of a download: %d bytes, error %v", n, err)
	}
	return nil
}

// hold opens a connection to port 80 that ends with the test, and says who answers on it.
func (n *network) hold(address netip.Addr) (*connection, string) {
	n.t.Helper()
	return n.holdPort(netip.AddrPortFrom(address, 80))
}

func (n *network) holdPort(to netip.AddrPort) (*connection, string) {
	n.t.Helper()
	c, err := n.dialPort(n.client, to)
	n.must(err)
	n.t.Cleanup(func() { c.Close() })
	who, err := c.ask()
	n.must(err)
	return c, who
}

// mustStay fails the test unless a held connection is answered, and by the same web server as before.
func (n *network) mustStay(c *connection, who string) {
	n.t.Helper()
	now, err := c.ask()
	if err != nil || now != who {
		n.t.Fatalf("a connection held open to %s is answered by %q, error %v", who, now, err)
	}
}

// getFrom asks a VIP once over a new connection and returns who answered.
func (n *network) getFrom(from *testbed.Host, address netip.Addr) (string, error) {
	c, err := n.dial(from, address)
	if err != nil {
		return "", err
	}
	defer c.Close()
	return c.ask()
}

func (n *network) get() (string, error) { return n.getFrom(n.client, vip) }

// count makes new connections and counts who answers.
func (n *network) count(connections int, address netip.Addr) map[string]int {
	n.t.Helper()
	answers := make(map[string]int)
	for range connections {
		who, err := n.getFrom(n.client, address)
		n.must(err)
		answers[who]++
	}
	return answers
}

// request is one of a steady client.
type request struct {
	begun, ended time.Time
	who          string
	err          error
}

func (r request) String() string {
	return fmt.Sprintf("%s +%s %s %v", r.begun.Format("15:04:05.000"), r.ended.Sub(r.begun), r.who, r.err)
}

// steadyClient makes a new connection at fixed intervals, whether or not earlier ones are done.
type steadyClient struct {
	cancel   context.CancelFunc
	running  sync.WaitGroup
	mu       sync.Mutex
	requests []request
}

// steadily starts a steady client.
func (n *network) steadily(from *testbed.Host, address netip.Addr, every time.Duration) *steadyClient {
	ctx, cancel := context.WithCancel(context.Background())
	s := &steadyClient{cancel: cancel}
	n.t.Cleanup(func() { s.stop() })
	s.running.Go(func() {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
				s.running.Go(func() {
					r := request{begun: time.Now()}
					r.who, r.err = n.getFrom(from, address)
					r.ended = time.Now()
					s.mu.Lock()
					defer s.mu.Unlock()
					s.requests = append(s.requests, r)
				})
			}
		}
	})
	return s
}

// stop ends the client and returns its requests in the order in which they ended.
func (s *steadyClient) stop() []request {
	s.cancel()
	s.running.Wait()
	slices.SortFunc(s.requests, func(a, b request) int { return a.ended.Compare(b.ended) })
	return s.requests
}

// longestOutage is the longest time from the start of a request to the next successful answer, its own or a later
// one's, and when it began. A client that is itself held up between two requests counts for nothing.
func longestOutage(requests []request, from, to time.Time) (longest time.Duration, at time.Time) {
	answered := time.Time{}
	for _, r := range slices.Backward(requests) {
		if r.err == nil {
			answered = r.ended
		}
		if r.begun.Before(from) || r.begun.After(to) || answered.IsZero() {
			continue
		}
		if outage := answered.Sub(r.begun); outage > longest {
			longest, at = outage, r.begun
		}
	}
	return longest, at
}

// failures are the requests begun within a time that failed or took longer than allowed.
func failures(requests []request, from, to time.Time, allowed time.Duration) []request {
	var failed []request
	for _, r := range requests {
		if r.begun.Before(from) || r.begun.After(to) {
			continue
		}
		if r.err != nil || r.ended.Sub(r.begun) > allowed {
			failed = append(failed, r)
		}
	}
	return failed
}

// mustServe watches a client for some time: no request begun after the given moment fails.
func (n *network) mustServe(client *steadyClient, from time.Time, during time.Duration) {
	n.t.Helper()
	to := from.Add(during)
	n.until("the client has made its requests", func() (bool, error) { return time.Now().After(to), nil })
	if failed := failures(client.stop(), from, to, 500*time.Millisecond); len(failed) > 0 {
		n.t.Errorf("from %s on, %d requests failed: %v", from.Format("15:04:05.000"), len(failed), failed)
	}
}

// mustHardlyNotice holds what clients notice of a takeover to its bounds.
func (n *network) mustHardlyNotice(requests []request, from, to time.Time) {
	n.t.Helper()
	const noticed = 100 * time.Millisecond
	outage, at := longestOutage(requests, from, to)
	failed := failures(requests, from, to, noticed)
	n.t.Logf("longest outage %s, %d failed or slow", outage, len(failed))
	if outage >= noticed {
		n.t.Errorf("clients are without service for %s at %s", outage, at.Format("15:04:05.000"))
	}
	// A takeover is one instant; only who is in the middle of a handshake then can be hit.
	if len(failed) > 2 {
		n.t.Errorf("%d requests failed or took over %s: %v", len(failed), noticed, failed)
	}
}

// watchSent keeps the packets that a host sends to an address.
func (n *network) watchSent(h *testbed.Host, address netip.Addr) *testbed.Watch {
	n.t.Helper()
	watch, err := n.lab.Watch(func(f testbed.Frame) bool {
		ip, is := f.IP()
		return is && f.Port == h.Name() && ip.Destination == address
	})
	n.must(err)
	return watch
}

// mustSendTo holds that from a time on all packets seen went to the MAC of a host.
func (n *network) mustSendTo(sent *testbed.Watch, h *testbed.Host, from time.Time) {
	n.t.Helper()
	count := 0
	for _, f := range sent.Seen() {
		if f.Time.Before(from) {
			continue
		}
		count++
		if f.Destination() != h.MAC() {
			n.t.Fatalf("the client sends to %s, not to %s: %s", n.lab.HostByMAC(f.Destination()), h.Name(), f)
		}
	}
	if count == 0 {
		n.t.Fatalf("the client sent nothing to %s", h.Name())
	}
}
