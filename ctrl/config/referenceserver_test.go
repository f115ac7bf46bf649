package config

import (
	"net/netip"
	"time"
)

func referenceServers() []VirtualServer {
	return []VirtualServer{{
		Address:   netip.MustParseAddr("192.168.100.221"),
		Port:      80,
		Protocol:  TCP,
		Scheduler: "wrr",
		SlowStart: time.Minute,
		DelayLoop: 6 * time.Second,

		Quorum: 4, Hysteresis: 1,
		QuorumUp: echo("up"), QuorumDown: echo("down"),
		Alpha: true, Omega: true, HASuspend: true,
		SorryServer: netip.MustParseAddrPort("192.168.100.200:80"), SorryServerInhibit: true,

		RealServers: []RealServer{{
			Address: netip.MustParseAddr("192.168.100.150"),
			Port:    80,
			Weight:  3,

			UpperThreshold: 1000,
			LowerThreshold: 900,

			NotifyUp: echo("up"), NotifyDown: echo("down"),

			Checks: []Check{referenceCheck()},
		}, {
			Address:          netip.MustParseAddr("192.168.100.151"),
			Port:             80,
			Weight:           2,
			InhibitOnFailure: true,
			Checks:           []Check{inheritedCheck()},
		}},
	}, {
		Address:   netip.MustParseAddr("192.168.100.221"),
		Port:      53,
		Protocol:  UDP,
		Scheduler: "rr",
		OnePacket: true,
		DelayLoop: time.Minute,
		Quorum:    1,
		RealServers: []RealServer{{
			Address: netip.MustParseAddr("192.168.100.150"),
			Port:    53,
			Weight:  1,
		}},
	}, referenceGroupServer(), referenceIPv6Server(), referenceAllChecks(), referenceDatagramChecks(), referencePaths()}
}

func referenceGroupServer() VirtualServer {
	return VirtualServer{
		Group: "MAIL",
		Members: []netip.AddrPort{
			netip.MustParseAddrPort("192.168.100.221:25"),
			netip.MustParseAddrPort("192.168.100.222:25"),
			netip.MustParseAddrPort("192.168.100.223:25"),
			netip.MustParseAddrPort("192.168.100.221:465"),
			netip.MustParseAddrPort("192.168.100.222:465"),
			netip.MustParseAddrPort("192.168.100.222:587"),
			netip.MustParseAddrPort("192.168.100.223:587"),
		},
		Protocol:           TCP,
		Scheduler:          "sh",
		HashPorts:          true,
		Fallback:           true,
		PersistenceTimeout: 30 * time.Minute,
		PersistencePrefix:  24,
		DelayLoop:          time.Minute,
		Quorum:             1,
		RealServers:        []RealServer{{Address: netip.MustParseAddr("192.168.100.150"), Weight: 1}},
	}
}

func referenceIPv6Server() VirtualServer {
	return VirtualServer{
		Address:            netip.MustParseAddr("2001:db8::221"),
		Port:               443,
		Protocol:           TCP,
		Scheduler:          "mh",
		HashPorts:          true,
		Fallback:           true,
		PersistenceTimeout: 6 * time.Minute,
		PersistencePrefix:  64,
		DelayLoop:          time.Minute,
		Quorum:             1,
		RealServers:        []RealServer{{Address: netip.MustParseAddr("2001:db8::150"), Port: 443, Weight: 1}},
	}
}

func referenceCheck() Check {
	return Check{
		CheckTimes: CheckTimes{
			ConnectTimeout:   1500 * time.Millisecond,
			Retry:            2,
			DelayBeforeRetry: time.Second,
			DelayLoop:        2 * time.Second,
			Alpha:            true,
			LogAllFailures:   true,
		},
		CheckSocket: CheckSocket{
			To:        netip.MustParseAddrPort("192.168.100.160:8080"),
			From:      netip.MustParseAddrPort("192.168.100.211:1024"),
			Interface: "enp1s0",
			Mark:      7,
		},
		Question: &HTTPCheck{
			URLs: []URL{{
				Path:        "/index.html",
				StatusCodes: []StatusRange{{200, 204}, {301, 301}},
				VirtualHost: "url.example.com",
				Regex: &Regex{
					Pattern: "served by web[0-9]+$", NoMatch: true, Options: []string{"caseless", "multiline"},
					MinOffset: 10, MaxOffset: 2000,
				},
			}, {
				Path:        "/status",
				Digest:      "9b3a0c85a887a256d6939da88aabd8cd",
				StatusCodes: []StatusRange{{200, 299}},
				VirtualHost: "check.example.com",
			}},
			VirtualHost:  "check.example.com",
			HTTPProtocol: "1.1",
			FastRecovery: true,
		},
	}
}

// inheritedCheck has the defaults of its virtual server.
func inheritedCheck() Check {
	return Check{
		CheckTimes: CheckTimes{
			ConnectTimeout:   4 * time.Second,
			Retry:            4,
			DelayBeforeRetry: 2 * time.Second,
			DelayLoop:        6 * time.Second,
			Warmup:           3 * time.Second,
			Alpha:            true,
		},
		CheckSocket: CheckSocket{To: netip.MustParseAddrPort("192.168.100.151:80")},
		Question: &HTTPCheck{
			URLs: []URL{{
				Path:        "/",
				StatusCodes: []StatusRange{{200, 299}},
				VirtualHost: "www.example.com",
			}},
			VirtualHost:  "www.example.com",
			HTTPProtocol: "1.0",
		},
	}
}
