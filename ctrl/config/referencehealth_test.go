package config

import (
	"net/netip"
	"time"
)

func referenceCredentials() Credentials {
	return Credentials{
		Certificate: "/etc/drover/check.pem",
		Key:         "/etc/drover/check.key",
		Password:    "s3cret",
	}
}

// echo is a command of the reference that root runs.
func echo(word string) *NotifyScript {
	return &NotifyScript{Command: []string{"/bin/echo", word}, User: "root", Group: "root"}
}

// commonTimes and commonSocket are what all checks of the reference write that
// show no words of their own.
func commonTimes() CheckTimes {
	return CheckTimes{
		DelayLoop: 2 * time.Second, DelayBeforeRetry: time.Second, ConnectTimeout: time.Second, Retry: 2, LogAllFailures: true,
	}
}

func commonSocket(port uint16) CheckSocket {
	return CheckSocket{
		To:        netip.AddrPortFrom(netip.MustParseAddr("192.168.100.160"), port),
		From:      netip.MustParseAddrPort("192.168.100.211:1025"),
		Interface: "enp1s0",
		Mark:      8,
	}
}

func referenceAllChecks() VirtualServer {
	check := func(port uint16, question Question) Check {
		return Check{CheckTimes: commonTimes(), CheckSocket: commonSocket(port), Question: question}
	}
	page := []URL{{Path: "/", StatusCodes: []StatusRange{{200, 299}}, VirtualHost: "www.example.com"}}
	secure := check(443, &HTTPCheck{
		URLs: page, VirtualHost: "www.example.com", HTTPProtocol: "1.0C", TLS: &TLSCheck{SNI: true, Credentials: referenceCredentials()},
	})
	secure.Retry = 1
	second := commonSocket(25)
	second.Mark = 9
	third := commonSocket(465)
	misc := Check{
		CheckTimes: CheckTimes{
			DelayLoop: 10 * time.Second, DelayBeforeRetry: 2 * time.Second, Warmup: time.Second, Retry: 1, Alpha: true,
			ConnectTimeout: 5 * time.Second,
		},
		Question: &MiscCheck{
			Command: []string{"/bin/echo", "all well"}, Timeout: 5 * time.Second, Dynamic: true, User: "root", Group: "root",
		},
	}
	file := Check{
		CheckTimes: CheckTimes{
			DelayLoop: time.Minute, DelayBeforeRetry: time.Minute, Warmup: time.Minute, ConnectTimeout: 5 * time.Second,
		},
		Question: &FileCheck{File: "MAINTENANCE", Path: "/run/drover-maintenance", Weight: 10, Reverse: true},
	}
	return VirtualServer{
		Address: netip.MustParseAddr("192.168.100.221"), Port: 443, Protocol: TCP, Scheduler: "rr",
		DelayLoop: time.Minute, Quorum: 1,
		RealServers: []RealServer{{
			Address: netip.MustParseAddr("192.168.100.150"), Port: 443, Weight: 1,
			Checks: []Check{
				secure,
				check(443, &TCPCheck{}),
				check(443, &PingCheck{}),
				check(25, &SMTPCheck{HeloName: "u109lb11.example.com", Hosts: []CheckSocket{second, third}}),
				misc,
				file,
			},
		}},
	}
}

func referenceDatagramChecks() VirtualServer {
	check := func(question Question) Check {
		return Check{CheckTimes: commonTimes(), CheckSocket: commonSocket(53), Question: question}
	}
	return VirtualServer{
		Address: netip.MustParseAddr("192.168.100.222"), Port: 53, Protocol: UDP, Scheduler: "rr",
		DelayLoop: time.Minute, Quorum: 1,
		RealServers: []RealServer{{
			Address: netip.MustParseAddr("192.168.100.150"), Port: 53, Weight: 1,
			Checks: []Check{
				check(&DNSCheck{Type: "AAAA", Name: "www.example.com"}),
				check(&UDPCheck{
					Payload:      []byte{1, 2, 15},
					RequireReply: true,
					Reply:        []byte{0x01, 0x02}, ReplyMask: []byte{0xff, 0x0f},
					MinReply: 2, MaxReply: 512,
				}),
			},
		}},
	}
}

// referencePaths has the words that not every keepalived knows.
func referencePaths() VirtualServer {
	to := netip.MustParseAddrPort("192.168.100.150:443")
	check := func(port uint16, delayBeforeRetry time.Duration, retry int, question Question) Check {
		return Check{
			CheckTimes: CheckTimes{
				DelayLoop: time.Minute, Warmup: time.Minute, ConnectTimeout: 5 * time.Second,
				DelayBeforeRetry: delayBeforeRetry, Retry: retry,
			},
			CheckSocket: CheckSocket{To: netip.AddrPortFrom(to.Addr(), port), Path: PathVIP},
			Question:    question,
		}
	}
	page := []URL{{Path: "/", StatusCodes: []StatusRange{{200, 299}}}}
	tls := &TLSCheck{SNI: true, SNIName: "tls.example.com", Compliant: true, Credentials: referenceCredentials()}
	return VirtualServer{
		Address: netip.MustParseAddr("192.168.100.223"), Port: 443, Protocol: TCP, Scheduler: "rr",
		DelayLoop: time.Minute, Quorum: 1,
		RealServers: []RealServer{{
			Address: to.Addr(), Port: 443, Weight: 1,
			Checks: []Check{
				check(80, 3*time.Second, 1, &HTTPCheck{URLs: page, HTTPProtocol: "1.0"}),
				check(443, 3*time.Second, 1, &HTTPCheck{URLs: page, HTTPProtocol: "1.0", TLS: tls}),
				check(443, time.Second, 1, &TCPCheck{}),
				check(443, time.Second, 1, &PingCheck{}),
				check(443, time.Second, 1, &SMTPCheck{HeloName: defaultHelo, Hosts: []CheckSocket{{To: to, Path: PathVIP}}}),
				check(443, time.Minute, 3, &DNSCheck{Type: "SOA", Name: "."}),
				check(443, time.Second, 1, &UDPCheck{MaxReply: 255}),
			},
		}},
	}
}
