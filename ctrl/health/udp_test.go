package health

import (
	"errors"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// brief is long enough for a loopback exchange that is answered, and short enough to wait for one that is not.
const brief = 300 * time.Millisecond

// serveUDP answers datagrams on the loopback address: each of the answers that the function returns is sent back.
func serveUDP(t *testing.T, answer func(asked []byte) [][]byte) Target {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for packet := make([]byte, 2048); ; {
			n, from, err := conn.ReadFromUDPAddrPort(packet)
			if err != nil {
				return // the test is over
			}
			for _, reply := range answer(packet[:n]) {
				if _, err := conn.WriteToUDPAddrPort(reply, from); err != nil {
					t.Errorf("server: %v", err)
				}
			}
		}
	}()
	t.Cleanup(func() {
		conn.Close()
		<-done
	})
	return Target{Address: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
}

// closedPort is a UDP port of the loopback address where nobody listens.
func closedPort(t *testing.T) Target {
	t.Helper()
	conn, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:0")))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return Target{Address: conn.LocalAddr().(*net.UDPAddr).AddrPort()}
}

func TestUDP(t *testing.T) {
	replies := func(reply ...string) func([]byte) [][]byte {
		return func([]byte) (all [][]byte) {
			for _, r := range reply {
				all = append(all, []byte(r))
			}
			return all
		}
	}
	tests := []struct {
		name     string
		settings UDPSettings
		answer   func([]byte) [][]byte
		want     string // empty: healthy
	}{
		{"silence is healthy", UDPSettings{ConnectTimeout: brief}, replies(), ""},
		{"a reply is healthy whatever it is", UDPSettings{}, replies(strings.Repeat("x", 1000)), ""},
		{"an empty reply is a reply", UDPSettings{RequireReply: true}, replies(""), ""},
		{"silence where a reply is required", UDPSettings{ConnectTimeout: brief, RequireReply: true}, replies(), "no answer for 300ms"},
		{"the default payload is keepalived's", UDPSettings{RequireReply: true, MinReply: 32, MaxReply: 32},
			func(asked []byte) [][]byte {
				if string(asked) != "keepalived check - keepalived ch" {
					return [][]byte{[]byte("another payload")}
				}
				return [][]byte{asked}
			}, ""},
		{"a payload is sent as it is", UDPSettings{Payload: []byte{0, 0xff, 7}, RequireReply: true, Reply: []byte{0, 0xff, 7}},
			func(asked []byte) [][]byte { return [][]byte{asked} }, ""},
		{"a reply of the least length", UDPSettings{RequireReply: true, MinReply: 5, MaxReply: 9}, replies("12345"), ""},
		{"a reply of the most", UDPSettings{RequireReply: true, MinReply: 5, MaxReply: 9}, replies("123456789"), ""},
		{"a reply that is too short", UDPSettings{RequireReply: true, MinReply: 5, MaxReply: 9}, replies("1234"), "reply has 4 bytes, want 5 and more"},
		{"a reply that is too long", UDPSettings{RequireReply: true, MinReply: 5, MaxReply: 9}, replies("1234567890"), "reply is longer than 9 bytes"},
		{"a reply longer than the default", UDPSettings{RequireReply: true}, replies(strings.Repeat("x", 256)), "reply is longer than 255 bytes"},
		{"a reply that begins as wanted", UDPSettings{RequireReply: true, Reply: []byte("pong")}, replies("pong 1"), ""},
		{"a reply that is the beginning of what is wanted, as in keepalived", UDPSettings{RequireReply: true, Reply: []byte("pong")}, replies("po"), ""},
		{"another reply", UDPSettings{RequireReply: true, Reply: []byte("pong")}, replies("pung 1"), "reply begins with 70756e67, want 706f6e67"},
		{"a reply that differs where it may", UDPSettings{RequireReply: true, Reply: []byte("pong"), ReplyMask: []byte{0, 0xff, 0, 0}}, replies("pung"), ""},
		{"a reply that differs in a bit where it may not", UDPSettings{RequireReply: true, Reply: []byte{0x10}, ReplyMask: []byte{0x0f}}, replies("\x2f"), "reply begins with 2f"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.settings.Network = loopback
			if test.settings.ConnectTimeout == 0 {
				test.settings.ConnectTimeout = patience
			}
			probe, err := UDP(test.settings)
			if err != nil {
				t.Fatal(err)
			}
			wantError(t, probe(t.Context(), serveUDP(t, test.answer)).Err, test.want)
		})
	}
}

func TestAPortWhereNobodyListensIsKnownAtOnce(t *testing.T) {
	target := closedPort(t)
	udp, errUDP := UDP(UDPSettings{Network: loopback, ConnectTimeout: time.Hour})
	dns, errDNS := DNS(DNSSettings{Network: loopback, ConnectTimeout: time.Hour})
	if err := errors.Join(errUDP, errDNS); err != nil {
		t.Fatal(err)
	}
	for _, probe := range []Probe{udp, dns} {
		err := probe(t.Context(), target).Err
		wantError(t, err, "connection refused")
		if !errors.Is(err, syscall.ECONNREFUSED) || errors.Is(err, ErrNotAsked) {
			t.Errorf("%v is not the server's ECONNREFUSED", err)
		}
	}
}

func TestUDPSettingsOutOfRangeAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		settings UDPSettings
		want     string
	}{
		"no network":                   {UDPSettings{}, "no network"},
		"a negative time":              {UDPSettings{Network: loopback, ConnectTimeout: -1}, "negative"},
		"a reply that can never be":    {UDPSettings{Network: loopback, MinReply: 9, MaxReply: 5}, "reply of 9 to 5 bytes"},
		"a reply above the default":    {UDPSettings{Network: loopback, MinReply: 300}, "reply of 300 to 255 bytes"},
		"a reply that fits no packet":  {UDPSettings{Network: loopback, MaxReply: 65536}, "not within 0 to 65535"},
		"a payload that fits none":     {UDPSettings{Network: loopback, Payload: make([]byte, 65508)}, "does not fit"},
		"a mask of another length":     {UDPSettings{Network: loopback, Reply: []byte("ab"), ReplyMask: []byte{1}}, "differ in length"},
		"a negative length of a reply": {UDPSettings{Network: loopback, MinReply: -1}, "reply of -1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := UDP(test.settings)
			wantError(t, err, test.want)
		})
	}
}

// dnsAnswer makes the answer to a query, as the function changes it.
func dnsAnswer(t *testing.T, query []byte, change func(*dnsmessage.Message)) []byte {
	var m dnsmessage.Message
	if err := m.Unpack(query); err != nil {
		t.Errorf("query: %v", err)
		return nil
	}
	m.Response = true
	change(&m)
	packet, err := m.Pack()
	if err != nil {
		t.Errorf("answer: %v", err)
	}
	return packet
}

func TestDNS(t *testing.T) {
	with := func(change func(*dnsmessage.Message)) func(t *testing.T, query []byte) [][]byte {
		return func(t *testing.T, query []byte) [][]byte { return [][]byte{dnsAnswer(t, query, change)} }
	}
	good := with(func(*dnsmessage.Message) {})
	wrongID := with(func(m *dnsmessage.Message) { m.ID ^= 1 })
	tests := []struct {
		name   string
		answer func(t *testing.T, query []byte) [][]byte
		want   string // empty: healthy
	}{
		{"an answer", good, ""},
		{"an answer that says it is cut, as in keepalived", with(func(m *dnsmessage.Message) { m.Truncated = true }), ""},
		{"an answer of which only the header came", func(t *testing.T, q []byte) [][]byte { return [][]byte{good(t, q)[0][:12]} }, ""},
		{"no such name", with(func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeNameError }), "DNS TypeSOA of . from ADDRESS: answered with NameError"},
		{"a server that fails", with(func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeServerFailure }), "answered with ServerFailure"},
		{"refused", with(func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeRefused }), "answered with Refused"},
		{"silence", func(*testing.T, []byte) [][]byte { return nil }, "from ADDRESS: no answer for 300ms"},
		{"an answer to another question", wrongID, "no answer for 300ms, but 1 datagrams that are no answer"},
		{"the question itself", func(_ *testing.T, q []byte) [][]byte { return [][]byte{q} }, "no answer for 300ms, but 1 datagrams"},
		{"less than a header", func(t *testing.T, q []byte) [][]byte { return [][]byte{good(t, q)[0][:11]} }, "no answer for 300ms, but 1 datagrams"},
		{"an empty datagram", func(t *testing.T, q []byte) [][]byte { return [][]byte{{}} }, "no answer for 300ms, but 1 datagrams"},
		{"the answer after one that is none", func(t *testing.T, q []byte) [][]byte { return [][]byte{wrongID(t, q)[0], good(t, q)[0]} }, ""},
		{"an answer longer than is read", func(t *testing.T, q []byte) [][]byte { return [][]byte{append(good(t, q)[0], make([]byte, 1200)...)} }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			probe, err := DNS(DNSSettings{Network: loopback, ConnectTimeout: brief})
			if err != nil {
				t.Fatal(err)
			}
			target := serveUDP(t, func(query []byte) [][]byte { return test.answer(t, query) })
			wantError(t, probe(t.Context(), target).Err, strings.ReplaceAll(test.want, "ADDRESS", target.Address.String()))
		})
	}
}

func TestDNSAsksWhatIsConfigured(t *testing.T) {
	for name, test := range map[string]struct {
		settings DNSSettings
		kind     dnsmessage.Type
		domain   string
	}{
		"by default the start of authority of the root": {DNSSettings{}, dnsmessage.TypeSOA, "."},
		"the root by name":                 {DNSSettings{Name: "."}, dnsmessage.TypeSOA, "."},
		"a name without its last dot":      {DNSSettings{Type: "A", Name: "www.example.org"}, dnsmessage.TypeA, "www.example.org."},
		"a name with it":                   {DNSSettings{Type: "aaaa", Name: "www.example.org."}, dnsmessage.TypeAAAA, "www.example.org."},
		"a type beyond package dnsmessage": {DNSSettings{Type: "DNSKEY", Name: "example.org"}, 48, "example.org."},
	} {
		t.Run(name, func(t *testing.T) {
			test.settings.Network, test.settings.ConnectTimeout = loopback, patience
			probe, err := DNS(test.settings)
			if err != nil {
				t.Fatal(err)
			}
			asked := make(chan dnsmessage.Message, 1)
			target := serveUDP(t, func(query []byte) [][]byte {
				return [][]byte{dnsAnswer(t, query, func(m *dnsmessage.Message) { asked <- *m })}
			})
			wantError(t, probe(t.Context(), target).Err, "")
			m := <-asked
			if q := m.Questions[0]; len(m.Questions) != 1 || q.Type != test.kind || q.Name.String() != test.domain || !m.RecursionDesired {
				t.Errorf("asks %v, recursion desired: %v, want %v of %s with it", m.Questions, m.RecursionDesired, test.kind, test.domain)
			}
		})
	}
}

func TestDNSSettingsOutOfRangeAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		settings DNSSettings
		want     string
	}{
		"no network":       {DNSSettings{}, "no network"},
		"an unknown type":  {DNSSettings{Network: loopback, Type: "PTR"}, `DNS type "PTR" is none of A AAAA CNAME DNSKEY MX NS RRSIG SOA TXT`},
		"an empty label":   {DNSSettings{Network: loopback, Name: "a..b"}, `DNS name "a..b"`},
		"a label too long": {DNSSettings{Network: loopback, Name: strings.Repeat("x", 64)}, "DNS name"},
		"a name too long":  {DNSSettings{Network: loopback, Name: strings.Repeat("x.", 200)}, "DNS name"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := DNS(test.settings)
			wantError(t, err, test.want)
		})
	}
}
