package main

import (
	"context"
	"errors"
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

// crowd has clients connect, each of its own accord.
type crowd struct {
	*network
	running sync.WaitGroup
	mu      sync.Mutex
	failed  []error
}

// connect has one client connect.
func (c *crowd) connect(service, number int) {
	c.running.Go(func() {
		s := crowdServices[service]
		from := crowdAddress(number%crowdAddresses, s.ipv6)
		dialer := &net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))}
		ctx, cancel := context.WithTimeout(context.Background(), 2*answerTime)
		defer cancel()
		conn, err := c.client.DialFrom(ctx, dialer, "tcp", s.endpoint(service).String())
		if err != nil {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.failed = append(c.failed, fmt.Errorf("%s: %w", s.name, err))
			return
		}
		conn.Close()
	})
}

// connects has a client connect to each service every so often for a while.
func (c *crowd) connects(every, during time.Duration) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	begun := time.Now()
	for number := 0; time.Since(begun) < during; number++ {
		for service, s := range crowdServices {
			for range 1 + s.more {
				c.connect(service, number)
			}
		}
		<-ticker.C
	}
}

// A synOf is a connection that a client opens; a SYN that is sent again is the same.
type synOf struct {
	client, service netip.AddrPort
	sequence        uint32
}

// watchSYNs records the SYNs that a client sends.
func (n *network) watchSYNs(client *testbed.Host) *testbed.Watch {
	n.t.Helper()
	return n.watch(func(f testbed.Frame) bool {
		tcp, is := f.TCP()
		return is && tcp.SYN && f.Port == client.Name()
	})
}

// countSYNs counts how often the client has sent the SYN of each connection.
func countSYNs(frames []testbed.Frame) map[synOf]int {
	sent := make(map[synOf]int)
	for _, f := range frames {
		ip, isIP := f.IP()
		tcp, isTCP := f.TCP()
		if isIP && isTCP && tcp.SYN && !tcp.ACK {
			sent[synOf{
				netip.AddrPortFrom(ip.Source, uint16(tcp.SrcPort)), netip.AddrPortFrom(ip.Destination, uint16(tcp.DstPort)), tcp.Seq,
			}]++
		}
	}
	return sent
}

// TestAServerIsUnpluggedUnderLoad: nothing says so but that it is silent. No client sends its SYN a third time, which it
// would after three seconds.
func TestAServerIsUnpluggedUnderLoad(t *testing.T) {
	t.Parallel()
	c := &crowd{network: newCrowd(t)}
	d := c.start(c.high)
	c.untilStatus(c.high, "all real servers up", func(s api.Status) bool {
		for _, v := range s.VirtualServers {
			for _, r := range v.RealServers {
				if !r.Up {
					return false
				}
			}
		}
		return len(s.VirtualServers) == len(crowdServices)
	})
	syns := c.watchSYNs(c.client)
	c.connects(40*time.Millisecond, time.Second)
	c.must(c.webs[0].Cut())
	c.connects(40*time.Millisecond, 2500*time.Millisecond)
	d.untilLogged(`msg="real server is suspected" real_server=192.168.100.150:8001`)
	d.untilLogged(`msg="real server is down" real_server=192.168.100.150:8001`) // a minute after the first check, or at once
	c.running.Wait()
	c.must(syns.Close())

	if err := errors.Join(c.failed...); err != nil {
		t.Errorf("clients failed:\n%v", err)
	}
	twice := make(map[netip.AddrPort]int)
	sent := countSYNs(syns.Seen())
	for syn, times := range sent {
		if times > 2 {
			t.Errorf("%s sent %s its SYN %d times", syn.client, syn.service, times)
		}
		if times == 2 {
			twice[syn.service]++
		}
	}
	t.Logf("%d clients connected", len(sent))
	for i, s := range crowdServices {
		t.Logf("%s: %d had to send their SYN again", s.name, twice[s.endpoint(i)])
		if twice[s.endpoint(i)] == 0 {
			t.Errorf("%s: nobody noticed", s.name)
		}
	}
}
