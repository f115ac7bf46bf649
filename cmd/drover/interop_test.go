package main

import (
	"context"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"drover/bench/testbed"
)

// Drover shares a virtual router with another program, in both roles.
func TestDroverAndAnotherProgramAreAPair(t *testing.T) {
	t.Parallel()
	const fast = 100 * time.Millisecond
	ipv4 := prefixes("192.168.100.221/24")
	ipv6 := prefixes("fe80::110/64", "2001:db8:100::221/64")
	for _, c := range []struct {
		name      string
		agreement agreement
		other     speaker
		better    time.Duration // the interval of the better member, if it is another one
	}{
		{"keepalived, version 2", agreement{version: 2, interval: time.Second, vips: ipv4}, speakKeepalived, 0},
		{"keepalived, version 3 of IPv4", agreement{version: 3, interval: fast, vips: ipv4}, speakKeepalived, 0},
		{"keepalived, version 3 of IPv6", agreement{version: 3, interval: fast, vips: ipv6}, speakKeepalived, 0},
		{"keepalived, a slower master", agreement{version: 3, interval: fast, vips: ipv4}, speakKeepalived, 3 * fast},
		{"keepalived, a faster master", agreement{version: 3, interval: 3 * fast, vips: ipv4}, speakKeepalived, fast},
		{"keepalived, unicast", agreement{version: 3, interval: fast, vips: ipv4, unicast: true}, speakKeepalived, 0},
		{"keepalived, virtual MAC", agreement{version: 3, interval: fast, vips: ipv4, vmac: true}, speakKeepalived, 0},
		{"keepalived, virtual MAC of IPv6", agreement{version: 3, interval: fast, vips: ipv6, vmac: true}, speakKeepalived, 0},
		{"FRR, IPv4", agreement{version: 3, interval: fast, vips: ipv4}, speakFRR, 0},
		{"FRR, IPv6", agreement{version: 3, interval: fast, vips: ipv6}, speakFRR, 0},
	} {
		for role, speakers := range map[string][2]speaker{
			"as the master": {speakDrover, c.other}, "as the backup": {c.other, speakDrover},
		} {
			t.Run(c.name+", "+role, func(t *testing.T) {
				t.Parallel()
				p := newPair(t, c.agreement, speakers[0], speakers[1])
				p.high.interval = c.better
				p.contest()
			})
		}
	}
}

// pair are two programs, on the hosts high and low, that share a virtual router.
type pair struct {
	*network
	agreement
	adverts   *adverts
	high, low *member
}

// member is one of a pair.
type member struct {
	*testbed.Host
	speak    speaker
	priority int
	interval time.Duration // if it is not that of the agreement
	end      func(syscall.Signal)
}

// newPair boots the hosts of a pair. Each has more interfaces, if there are any: the first for low, the second for high.
func newPair(t *testing.T, a agreement, high, low speaker, more ...testbed.Port) *pair {
	t.Helper()
	n := newLAN(t)
	lower := memberSpec(t, "low", "00:0d:b9:41:e0:7c", "192.168.100.211/24", "2001:db8:100::211/64")
	higher := memberSpec(t, "high", "00:0d:b9:33:12:a4", "192.168.100.212/24", "2001:db8:100::212/64")
	if len(more) == 2 {
		lower.More, higher.More = more[:1], more[1:]
	}
	n.low, n.high = n.addHost(lower), n.addHost(higher)
	return &pair{
		network: n, agreement: a, adverts: n.watchAdverts(),
		high: &member{Host: n.high, speak: high, priority: 200}, low: &member{Host: n.low, speak: low, priority: 100},
	}
}

func memberSpec(t *testing.T, name, hardware string, addresses ...string) testbed.HostSpec {
	t.Helper()
	return testbed.HostSpec{
		Name: name, Interface: "enp1s0", MAC: mac(t, hardware), Addresses: prefixes(addresses...),
		// For the virtual interfaces of FRR, which go down and up: their addresses of IPv6 stay, and serve at once.
		Sysctls: map[string]string{
			"net.ipv6.conf.default.accept_dad": "0", "net.ipv6.conf.default.keep_addr_on_down": "1",
		},
	}
}

// contest is what two members of a virtual router must get right.
func (p *pair) contest() {
	p.t.Helper()
	p.start(p.low)
	p.untilMaster(p.low, p.high)
	p.start(p.high)
	p.untilMaster(p.high, p.low)
	master := p.agreementOf(p.high) // the backup has learned its interval (RFC 9568 section 6.4.2)
	skew := master.skew(p.low.priority)
	p.mustTakeOver(p.high, p.low, "kill -9", syscall.SIGKILL, 3*master.interval, 3*master.interval+skew)
	p.start(p.high)
	p.untilMaster(p.high, p.low)
	p.mustDropNothing()
	p.mustTakeOver(p.high, p.low, "priority 0", syscall.SIGTERM, 0, skew)
	p.low.end(syscall.SIGTERM)
	p.mustResolveTie()
}

func (p *pair) start(m *member) {
	p.t.Helper()
	peer := p.low
	if m == p.low {
		peer = p.high
	}
	m.end = m.speak(p.network, m.Host, peer.Host, p.agreementOf(m), m.priority)
}

// agreementOf is the agreement as a member has it.
func (p *pair) agreementOf(m *member) agreement {
	a := p.agreement
	if m.interval > 0 {
		a.interval = m.interval
	}
	return a
}

// untilAlone waits until a member has sent two adverts in a row, with none of the other one between.
func (p *pair) untilAlone(master, other *member) {
	p.t.Helper()
	begun := time.Now()
	p.until("only "+master.Name()+" adverts", func() (bool, error) {
		list := p.adverts.seen()
		return len(list) >= 2 && !slices.ContainsFunc(list[len(list)-2:], func(a advert) bool {
			return a.from != master.Name() || a.at.Before(begun)
		}), nil
	})
}

// untilMaster waits until a member is alone, and Drover, whichever member it is, holds the VIPs just as MASTER.
func (p *pair) untilMaster(master, other *member) {
	p.t.Helper()
	p.untilAlone(master, other)
	for _, m := range []*member{master, other} {
		if _, err := p.status(m.Host); err != nil {
			continue // another program, or none
		}
		for _, address := range p.vips {
			p.until(m.Name()+" holds the VIP, or not", func() (bool, error) {
				holds, err := m.Holds(address.Addr())
				return holds == (m == master), err
			})
		}
	}
}

// mustTakeOver ends the master by a signal. The other one follows from least to most after its last advert, but for what a
// loaded machine takes.
func (p *pair) mustTakeOver(master, successor *member, how string, s syscall.Signal, least, most time.Duration) {
	p.t.Helper()
	const slack = 200 * time.Millisecond
	p.adverts.next(master.Host)
	begun := time.Now()
	master.end(s)
	p.untilMaster(successor, master)
	list := p.adverts.seen()
	goodbye := of(list, master.Host, time.Time{})
	last := goodbye[len(goodbye)-1]
	took := of(list, successor.Host, begun)[0].at.Sub(last.at)
	p.t.Logf("%s: %s", how, took)
	if took < least || took > most+slack {
		p.t.Errorf("%s: the successor follows after %s, want %s to %s", how, took, least, most)
	}
	if stopped := last.priority == 0; stopped != (s == syscall.SIGTERM) {
		p.t.Errorf("%s: the last advert has priority %d", how, last.priority)
	}
}

// mustDropNothing holds that Drover, whichever member it is, listens to all adverts that it hears.
func (p *pair) mustDropNothing() {
	p.t.Helper()
	answers := 0
	for _, m := range []*member{p.high, p.low} {
		s, err := p.status(m.Host)
		if err != nil {
			continue // another program
		}
		answers++
		for reason, count := range s.Instances[0].Dropped {
			if count > 0 {
				p.t.Errorf("%s drops %d adverts: %s", m.Name(), count, reason)
			}
		}
	}
	if answers == 0 {
		p.t.Error("no status to see")
	}
}

// mustResolveTie has both begin with the same priority, where they do not hear each other. Of the two masters the one with the
// greater address stays.
func (p *pair) mustResolveTie() {
	p.t.Helper()
	winner, loser := p.low, p.high
	if p.sourceOf(p.high).Compare(p.sourceOf(p.low)) > 0 {
		winner, loser = p.high, p.low
	}
	p.high.priority = p.low.priority
	p.must(p.high.Cut())
	p.start(p.high)
	p.start(p.low)
	p.untilSends(p.high)
	p.untilSends(p.low)
	p.must(p.high.Mend())
	p.untilMaster(winner, loser)
}

// sourceOf is where the adverts of a member come from.
func (p *pair) sourceOf(m *member) netip.Addr {
	p.t.Helper()
	list := of(p.adverts.seen(), m.Host, time.Time{})
	if len(list) == 0 {
		p.t.Fatalf("%s has sent no advert", m.Name())
	}
	return list[0].source
}

// untilSends waits until a member sends an advert, although it may not come to the switch.
func (p *pair) untilSends(m *member) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), p.patience)
	defer cancel()
	_, err := m.Command(ctx, "tcpdump", "-i", m.Interface(), "-Q", "out", "-c", "1", "ip proto 112 or ip6 proto 112").Output()
	p.must(err)
}
