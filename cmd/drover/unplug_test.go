package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/api"
)

// secondRetransmission is when a client sends its SYN for the third time (RFC 6298: after 1 s, then after twice as long):
// who needs less has got through with the second.
const secondRetransmission = 3 * time.Second

// crowdService is a virtual server and who connects to it.
type crowdService struct {
	name      string
	scheduler string
	settings  []string
	weights   [4]int
	ipv6      bool
	checked   bool
	more      int // clients for each of the others'
}

var crowdServices = []crowdService{
	{name: "by turns, checked once a minute", scheduler: "rr", weights: [4]int{1, 1, 1, 1}, checked: true, more: 3},
	{name: "by turns, IPv6", scheduler: "rr", weights: [4]int{1, 1, 1, 1}, ipv6: true},
	{name: "by weight", scheduler: "wrr", weights: [4]int{3, 1, 1, 1}},
	{name: "least connections", scheduler: "lc", weights: [4]int{1, 1, 1, 1}},
	{name: "never queue", scheduler: "nq", weights: [4]int{2, 1, 1, 1}},
	{name: "two at random", scheduler: "twos", weights: [4]int{1, 1, 1, 1}},
	{name: "the first", scheduler: "fo", weights: [4]int{2, 1, 1, 1}},
	{name: "by source hash with fallback", scheduler: "sh", settings: []string{"sh-fallback"}, weights: [4]int{1, 1, 1, 1}},
	{name: "by source hash without fallback", scheduler: "sh", weights: [4]int{1, 1, 1, 1}},
	{name: "by Maglev's hash, IPv6", scheduler: "mh", settings: []string{"mh-port"}, weights: [4]int{1, 1, 1, 1}, ipv6: true},
	{name: "persistent", scheduler: "rr", settings: []string{"persistence_timeout 60"}, weights: [4]int{1, 1, 1, 1}},
}

func (s crowdService) endpoint(n int) netip.AddrPort {
	if s.ipv6 {
		return netip.AddrPortFrom(vip6, uint16(firstPort+n))
	}
	return netip.AddrPortFrom(vip, uint16(firstPort+n))
}

func (s crowdService) config(n int) string {
	var reals []string
	for i, weight := range s.weights {
		address := fmt.Sprintf("192.168.100.%d %d", 150+i, firstPort+n)
		if s.ipv6 {
			address = fmt.Sprintf("2001:db8:100::%d %d", 150+i, firstPort+n)
		}
		if s.checked {
			reals = append(reals, realServer(address, weight))
		} else {
			reals = append(reals, unchecked(address, weight))
		}
	}
	to := s.endpoint(n)
	config := virtualServer(fmt.Sprintf("%s %d", to.Addr(), to.Port()), s.scheduler, "TCP", reals...)
	config = strings.Replace(config, "delay_loop 1\n", "delay_loop 60\n  warmup 0\n", 1)
	if len(s.settings) == 0 {
		return config
	}
	return with(config, s.settings...)
}

// newCrowd boots a balancer, four web servers that serve all crowdServices, and a client with 60 addresses.
func newCrowd(t *testing.T) *network {
	t.Helper()
	n := newLAN(t)
	var config strings.Builder
	for i, s := range crowdServices {
		config.WriteString(s.config(i))
	}
	n.high = n.addHost(aloneSpec(t, config.String()))
	client := testbed.HostSpec{Name: "client", Interface: "eth0", MAC: mac(t, "00:21:cc:00:00:04")}
	for i := range crowdAddresses {
		client.Addresses = append(client.Addresses, prefixes(crowdAddress(i, false).String()+"/24", crowdAddress(i, true).String()+"/64")...)
	}
	n.client = n.addHost(client)
	for i := range 4 {
		web := n.addWeb(webSpec(t, fmt.Sprintf("web%d", 150+i), fmt.Sprintf("b8:27:eb:00:01:%02d", i),
			fmt.Sprintf("192.168.100.%d/24", 150+i), fmt.Sprintf("2001:db8:100::%d/64", 150+i)))
		for port := range crowdServices {
			n.serveWebOn(web, fmt.Sprintf(":%d", firstPort+port))
		}
	}
	return n
}

const crowdAddresses = 60

func crowdAddress(n int, ipv6 bool) netip.Addr {
	if ipv6 {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:100::1:%x", n+1))
	}
	return netip.AddrFrom4([4]byte{192, 168, 100, byte(10 + n)})
}

// An attempt is one of a client to connect.
type attempt struct {
	service int
	begun   time.Time
	took    time.Duration
	err     error
}

// attempts are those of all clients.
type attempts struct {
	mu      sync.Mutex
	all     []attempt
	running sync.WaitGroup
}

// connect has one client connect, and notes how long that takes.
func (a *attempts) connect(n *network, service, number int) {
	a.running.Go(func() {
		s := crowdServices[service]
		from := crowdAddress(number%crowdAddresses, s.ipv6)
		dialer := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
		ctx, cancel := context.WithTimeout(context.Background(), 2*answerTime)
		defer cancel()
		try := attempt{service: service, begun: time.Now()}
		conn, err := n.client.DialFrom(ctx, dialer, "tcp", s.endpoint(service).String())
		try.took, try.err = time.Since(try.begun), err
		if err == nil {
			conn.Close()
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		a.all = append(a.all, try)
	})
}

// crowd has a client connect to each service every so often for a while.
func (a *attempts) crowd(n *network, every, during time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	begun := time.Now()
	for number := 0; time.Since(begun) < during; number++ {
		for service, s := range crowdServices {
			a.connect(n, service, number)
			for range s.more {
				a.connect(n, service, number)
			}
		}
		<-ticker.C
	}
}

// TestAServerIsUnpluggedUnderLoad: nothing says so but that it is silent.
func TestAServerIsUnpluggedUnderLoad(t *testing.T) {
	t.Parallel()
	n := newCrowd(t)
	d := n.start(n.high)
	n.untilStatus(n.high, "all real servers up", func(s api.Status) bool {
		for _, v := range s.VirtualServers {
			for _, r := range v.RealServers {
				if !r.Up {
					return false
				}
			}
		}
		return len(s.VirtualServers) == len(crowdServices)
	})
	var tries attempts
	tries.crowd(n, 20*time.Millisecond, time.Second)
	n.must(n.webs[0].Cut())
	cut := time.Now()
	tries.crowd(n, 20*time.Millisecond, 2500*time.Millisecond)
	d.untilLogged(`msg="real server is suspected" real_server=192.168.100.150:8001`)
	d.untilLogged(`msg="real server is down" real_server=192.168.100.150:8001`) // a minute after the first check, or at once
	tries.running.Wait()

	waited := make([]int, len(crowdServices))
	for _, try := range tries.all {
		after := try.begun.Sub(cut)
		switch {
		case try.err != nil:
			t.Errorf("%s: a client that came %s after the cable was cut failed: %v", crowdServices[try.service].name, after, try.err)
		case try.took >= secondRetransmission-100*time.Millisecond:
			t.Errorf("%s: a client that came %s after the cable was cut waited for %s", crowdServices[try.service].name, after, try.took)
		case try.took >= time.Second:
			waited[try.service]++
		}
	}
	t.Logf("%d clients connected", len(tries.all))
	for i, s := range crowdServices {
		t.Logf("%s: %d waited for their SYN to be sent again", s.name, waited[i])
		if waited[i] == 0 {
			t.Errorf("%s: nobody noticed", s.name)
		}
	}
}
