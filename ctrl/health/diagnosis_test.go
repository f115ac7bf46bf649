package health

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"syscall"
	"testing"
)

func TestHowACheckFailed(t *testing.T) {
	for what, test := range map[string]struct {
		err  error
		want Failure
	}{
		"none":                      {nil, Passed},
		"no port":                   {syscall.ECONNREFUSED, Refused},
		"no port, as package net":   {&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, Refused},
		"a reset":                   {fmt.Errorf("read: %w", syscall.ECONNRESET), Reset},
		"a write to a closed one":   {syscall.EPIPE, Reset},
		"no host":                   {syscall.EHOSTUNREACH, Unreachable},
		"prohibited":                {syscall.EACCES, Unreachable},
		"no network":                {syscall.ENETUNREACH, Unreachable},
		"a deadline of a socket":    {&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, Silent},
		"a deadline of a context":   {context.DeadlineExceeded, Silent},
		"the kernel's own patience": {syscall.ETIMEDOUT, Silent},
		"a step that took too long": {fmt.Errorf("connect: %w for %v", errSilent, DefaultConnectTimeout), Silent},
		"an endless answer":         {errMaxTime, Wrong},
		"a page that is not there":  {errors.New("status 404"), Wrong},
	} {
		if got := FailureOf(test.err); got != test.want {
			t.Errorf("%s: %v %s, want that it %s", what, test.err, got, test.want)
		}
	}
}

func TestOnlySilenceIsAnotherFailureWhenThereIsAPing(t *testing.T) {
	for f := Passed; f <= Wrong; f++ {
		want := f
		if f == Silent {
			want = Dropped
		}
		if got := f.Pinged(true); got != want || f.Pinged(false) != f {
			t.Errorf("what %s becomes with an answered ping what %s, without what %s", f, got, f.Pinged(false))
		}
	}
}

func TestDiagnoses(t *testing.T) {
	four, six := netip.MustParseAddrPort("192.168.100.221:80"), netip.MustParseAddrPort("[2001:db8::221]:80")
	const loopback4, loopback6 = "ip addr add 192.168.100.221/32 dev lo", "ip -6 addr add 2001:db8::221/128 dev lo"
	for what, test := range map[string]struct {
		address, vip Failure
		service      netip.AddrPort
		datagrams    bool
		says         []string // none: nothing
		not          []string
	}{
		"both pass":                  {address: Passed, vip: Passed, service: four},
		"both fail":                  {address: Refused, vip: Refused, service: four},
		"both fail, each in its way": {address: Silent, vip: Wrong, service: four},
		"the tutorial's 6.1.1": {Passed, Silent, four, false,
			[]string{"lost the VIP 192.168.100.221", loopback4, "arp_ignore=1", "arp_announce=2", "nft list ruleset", "rp_filter=2"}, nil},
		"the same with IPv6": {Passed, Silent, six, false,
			[]string{"lost the VIP 2001:db8::221", loopback6, "nft list ruleset"}, []string{"arp_", "rp_filter"}},
		"silence on datagrams": {Passed, Silent, four, true,
			[]string{"answers from another address", loopback4, "bind the service to 192.168.100.221", "nft list ruleset", "rp_filter=2"}, nil},
		"silence on datagrams of IPv6": {Passed, Silent, six, true, []string{"answers from another address", loopback6}, []string{"rp_filter"}},
		"a packet filter that drops": {Passed, Dropped, four, false,
			[]string{"has the VIP 192.168.100.221", "port 80", "nft list ruleset", "ss -lntp"}, []string{"ip addr add", "lost"}},
		"a packet filter that drops datagrams of IPv6": {Passed, Dropped, six, true,
			[]string{"has the VIP 2001:db8::221", "port 80", "nft list ruleset", "bind the service to 2001:db8::221"}, []string{"ip -6 addr", "lost"}},
		"the wrong address": {Passed, Refused, four, false,
			[]string{"nobody listens on port 80 of the VIP", "0.0.0.0", "ss -lntp sport = :80"}, []string{"ip addr add"}},
		"the wrong address, datagrams of IPv6": {Passed, Refused, six, true,
			[]string{"bind it to 2001:db8::221 or to ::", "ss -lnup sport = :80"}, nil},
		"a packet filter that rejects": {Passed, Unreachable, four, false, []string{"forwards", "rejects", "nft list ruleset", loopback4}, nil},
		"a service that cuts":          {Passed, Reset, four, false, []string{"cuts them", "log"}, []string{"ip addr add"}},
		"another page":                 {Passed, Wrong, four, false, []string{"answers otherwise", "virtual host"}, []string{"ip addr add"}},
		"the VIP alone":                {Refused, Passed, four, false, []string{"not on the real server's own address", "check_path vip"}, nil},
	} {
		t.Run(what, func(t *testing.T) {
			d := Diagnose(test.address, test.vip, test.service, test.datagrams)
			if len(test.says) == 0 && d != (Diagnosis{}) {
				t.Errorf("it says %q, and there is nothing to be said", d)
			}
			for _, part := range test.says {
				if !strings.Contains(d.String(), part) {
					t.Errorf("no %q in %q", part, d)
				}
			}
			for _, part := range test.not {
				if strings.Contains(d.String(), part) {
					t.Errorf("%q in %q", part, d)
				}
			}
			if d.Cause != "" && d.Cure == "" {
				t.Errorf("%q without a cure", d.Cause)
			}
		})
	}
}
