package health

import (
	"errors"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/net/icmp"
	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// On a fake clock and a network in memory; netif's tests have the sockets.
func TestPing(t *testing.T) {
	type answers func(t *testing.T, echo *icmp.Echo, reply icmp.Type) []*icmp.Message
	same := func(_ *testing.T, echo *icmp.Echo, reply icmp.Type) []*icmp.Message {
		return []*icmp.Message{{Type: reply, Body: echo}}
	}
	tests := []struct {
		name    string
		answers answers
		want    string // empty: healthy
	}{
		{"a reply", same, ""},
		{"silence", func(*testing.T, *icmp.Echo, icmp.Type) []*icmp.Message { return nil }, "no answer for 1s"},
		{"a reply to somebody else", func(_ *testing.T, echo *icmp.Echo, reply icmp.Type) []*icmp.Message {
			return []*icmp.Message{{Type: reply, Body: &icmp.Echo{ID: echo.ID ^ 1, Seq: echo.Seq}}}
		}, "no answer for 1s"},
		{"a reply to an earlier request", func(_ *testing.T, echo *icmp.Echo, reply icmp.Type) []*icmp.Message {
			return []*icmp.Message{{Type: reply, Body: &icmp.Echo{ID: echo.ID, Seq: echo.Seq ^ 1}}}
		}, "no answer for 1s"},
		{"a request from there", func(_ *testing.T, echo *icmp.Echo, reply icmp.Type) []*icmp.Message {
			if reply == ipv4.ICMPTypeEchoReply {
				return []*icmp.Message{{Type: ipv4.ICMPTypeEcho, Body: echo}}
			}
			return []*icmp.Message{{Type: ipv6.ICMPTypeEchoRequest, Body: echo}}
		}, "no answer for 1s"},
		{"the reply behind others", func(t *testing.T, echo *icmp.Echo, reply icmp.Type) []*icmp.Message {
			return append([]*icmp.Message{{Type: reply, Body: &icmp.Echo{ID: echo.ID ^ 1}}}, same(t, echo, reply)...)
		}, ""},
	}
	for _, address := range []string{"192.0.2.1", "2001:db8::1"} {
		for _, test := range tests {
			t.Run(test.name+" from "+address, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var servers sync.WaitGroup
					defer servers.Wait()
					protocol, reply := protocolICMP, icmp.Type(ipv4.ICMPTypeEchoReply)
					target := Target{Address: netip.AddrPortFrom(netip.MustParseAddr(address), 80)}
					if target.Address.Addr().Is6() {
						protocol, reply = protocolICMPv6, ipv6.ICMPTypeEchoReply
					}
					probe, err := Ping(PingSettings{ConnectTimeout: time.Second, Network: networkFunc(func() (net.Conn, error) {
						client, end := net.Pipe()
						servers.Go(func() {
							defer end.Close()
							packet := make([]byte, 512)
							n, err := end.Read(packet)
							if err != nil {
								t.Errorf("server: %v", err)
								return
							}
							request, err := icmp.ParseMessage(protocol, packet[:n])
							if err != nil {
								t.Errorf("server: %v", err)
								return
							}
							echo := request.Body.(*icmp.Echo)
							if len(echo.Data) != 128 {
								t.Errorf("%d bytes of data, want 128 as of keepalived", len(echo.Data))
							}
							for _, answer := range test.answers(t, echo, reply) {
								text, err := answer.Marshal(nil)
								if _, sent := end.Write(text); errors.Join(err, sent) != nil {
									t.Errorf("server: %v, %v", err, sent)
								}
							}
							time.Sleep(2 * time.Second) // nothing more, in the fake time of the bubble
						})
						return pipeEnd{client}, nil
					})})
					if err != nil {
						t.Fatal(err)
					}
					want := test.want
					if want != "" {
						want = "ping " + address + ": no answer for 1s"
					}
					wantError(t, probe(t.Context(), target).Err, want)
				})
			})
		}
	}
}

func TestErrorsOfAConnectSayWhoseTheyAre(t *testing.T) {
	for errno, asked := range map[syscall.Errno]bool{
		syscall.ECONNREFUSED: true, syscall.EHOSTUNREACH: true, syscall.ENETUNREACH: true, syscall.ETIMEDOUT: true, syscall.ECONNRESET: true, syscall.EACCES: true,
		syscall.EMFILE: false, syscall.ENFILE: false, syscall.ENOBUFS: false, syscall.ENOMEM: false, syscall.EADDRNOTAVAIL: false,
		syscall.EADDRINUSE: false, syscall.EPERM: false, syscall.ENODEV: false,
	} {
		broken := networkFunc(func() (net.Conn, error) { return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errno} })
		probe, err := TCPConnect(TCPSettings{Network: broken})
		if err != nil {
			t.Fatal(err)
		}
		answer := probe(t.Context(), Target{Address: netip.MustParseAddrPort("192.0.2.1:80")})
		if !errors.Is(answer.Err, errno) || errors.Is(answer.Err, ErrNotAsked) == asked {
			t.Errorf("%v: %v, want that the server was asked: %v", errno, answer.Err, asked)
		}
	}
}
