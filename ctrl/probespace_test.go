package ctrl

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"drover/bench/testbed"
	"drover/ctrl/netif"
	"drover/dataplane"
)

// probed is a LAN on which a balancer probes real servers through VIPs: one that has them, one that has lost them.
type probed struct {
	t        *testing.T
	lab      *testbed.Lab
	balancer *testbed.Host
	webs     [2]*testbed.Host
	data     *dataplane.DataPlane
	space    *netif.ProbeSpace
	port     uint16 // that the real servers listen on, TCP and UDP
	port1    dataplane.Port
}

var (
	probedVIP  = netip.MustParseAddr("192.168.100.221")
	probedVIP6 = netip.MustParseAddr("2001:db8::221")
)

// newProbed makes the LAN. The balancer holds the VIPs if it is to be like a MASTER.
func newProbed(t *testing.T, mode dataplane.Mode, holdsVIPs bool) *probed {
	t.Helper()
	return newProbedOn(t, mode, holdsVIPs)
}

// newProbedOn makes it with more interfaces.
func newProbedOn(t *testing.T, mode dataplane.Mode, holdsVIPs bool, more ...testbed.Port) *probed {
	t.Helper()
	testbed.Require(t)
	lab, err := testbed.New(testbed.Options{Name: "probes"})
	must(t, err)
	t.Cleanup(func() { must(t, lab.Close()) })
	p := &probed{t: t, lab: lab, port: 80}
	spec := testbed.HostSpec{Name: "balancer", Addresses: prefixes("192.168.100.210/24", "2001:db8::210/64"), More: more}
	if holdsVIPs {
		spec.Addresses = append(spec.Addresses, prefixes("192.168.100.221/24", "2001:db8::221/64")...)
	}
	p.balancer, err = lab.AddHost(spec)
	must(t, err)
	for n := range p.webs {
		spec := testbed.HostSpec{
			Name:      fmt.Sprintf("web15%d", n),
			Addresses: prefixes(fmt.Sprintf("192.168.100.15%d/24", n), fmt.Sprintf("2001:db8::15%d/64", n)),
			Sysctls:   map[string]string{"net.ipv4.conf.enp1s0.arp_ignore": "1", "net.ipv4.conf.enp1s0.arp_announce": "2"},
		}
		if n == 0 {
			spec.Loopback = []netip.Addr{probedVIP, probedVIP6}
		}
		p.webs[n], err = lab.AddHost(spec)
		must(t, err)
		p.serve(p.webs[n])
	}
	for _, vip := range []netip.Addr{probedVIP, probedVIP6} {
		p.serveDatagrams(p.webs[0], netip.AddrPortFrom(vip, p.port))
	}
	p.openData(mode)
	p.openSpace()
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func prefixes(list ...string) (all []netip.Prefix) {
	for _, p := range list {
		all = append(all, netip.MustParsePrefix(p))
	}
	return all
}

// serve answers connections to a host's port with its name.
func (p *probed) serve(h *testbed.Host) {
	p.t.Helper()
	address := fmt.Sprintf(":%d", p.port)
	listener, err := h.Listen("tcp", address)
	must(p.t, err)
	p.t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			io.WriteString(conn, h.Name())
			conn.Close()
		}
	}()
}

// serveDatagrams answers to datagrams on an address of a host with its name and what they hold, from that address.
func (p *probed) serveDatagrams(h *testbed.Host, at netip.AddrPort) {
	p.t.Helper()
	p.answerDatagrams(h, at, func(asked []byte) []byte { return append([]byte(h.Name()), asked...) })
}

// answerDatagrams answers to datagrams on an address of a host, from that address. The answer may be made of the question.
func (p *probed) answerDatagrams(h *testbed.Host, at netip.AddrPort, answer func(asked []byte) []byte) {
	p.t.Helper()
	datagrams, err := h.ListenPacket("udp", at.String())
	must(p.t, err)
	p.t.Cleanup(func() { datagrams.Close() })
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, from, err := datagrams.ReadFrom(buffer)
			if err != nil {
				return
			}
			datagrams.WriteTo(answer(buffer[:n]), from)
		}
	}()
}

// openData attaches the data plane of the balancer, with the real servers in its tables.
func (p *probed) openData(mode dataplane.Mode) {
	p.t.Helper()
	dir := p.t.TempDir()
	must(p.t, unix.Mount("bpf", dir, "bpf", 0, ""))
	p.t.Cleanup(func() { must(p.t, unix.Unmount(dir, 0)) })
	must(p.t, p.balancer.Do(func() (err error) {
		p.data, err = dataplane.Open(dataplane.Options{
			Dir: filepath.Join(dir, "drover"), Sizes: dataplane.Sizes{Flows: 1, Flows6: 1, Reals: 255},
			Log: slog.New(slog.DiscardHandler),
		})
		return err
	}))
	own, index := p.attach(p.balancer.Interface(), 1, mode)
	p.port1 = dataplane.Port{Interface: index, MAC: own, MTU: 1500}
	must(p.t, p.data.Apply(p.tables(p.port1)))
	p.t.Cleanup(func() { must(p.t, p.data.Remove()) })
}

// attach attaches the program to an interface of the balancer.
func (p *probed) attach(ifname string, port dataplane.PortID, mode dataplane.Mode) (own dataplane.MAC, index int) {
	p.t.Helper()
	must(p.t, p.balancer.Do(func() error {
		link, err := net.InterfaceByName(ifname)
		if err != nil {
			return err
		}
		own, index = dataplane.MAC(link.HardwareAddr), link.Index
		a, err := p.data.Attach(dataplane.Interface{Name: ifname, Index: index, MAC: own, MTU: link.MTU, Port: port}, mode)
		if err == nil && a.Mode != mode {
			err = fmt.Errorf("attached in mode %s", a.Mode)
		}
		return err
	}))
	return own, index
}

// tables have a service of each version; the real servers have the ids 1 and 2.
func (p *probed) tables(port dataplane.Port) dataplane.Tables {
	tables := dataplane.NewTables()
	tables.Ports[1] = port
	for _, vip := range []netip.Addr{probedVIP, probedVIP6} {
		tables.VIPs[vip] = dataplane.VIP{}
	}
	key := dataplane.ServiceKey{Address: netip.AddrPortFrom(probedVIP, p.port), Protocol: dataplane.ProtocolTCP}
	tables.Services[key] = dataplane.Service{}
	for n, web := range p.webs {
		tables.Reals.Set(dataplane.RealID(1+n), dataplane.Real{
			Service: key, Address: netip.AddrPortFrom(web.Address(), p.port), MAC: dataplane.MAC(web.MAC()),
			State: dataplane.RealDown, Port: 1, Weight: 1,
		})
	}
	return tables
}

func (p *probed) openSpace() {
	p.t.Helper()
	must(p.t, p.balancer.Do(func() (err error) {
		p.space, err = netif.OpenProbeSpace()
		return err
	}))
	p.t.Cleanup(func() { must(p.t, p.space.Close()) })
	must(p.t, p.data.SetProbeAnswers(dataplane.ProbeAnswers{
		MAC: dataplane.MAC(p.space.MAC()), FirstPort: p.space.Ports().First, LastPort: p.space.Ports().Last,
	}))
	p.follow()
}

// follow has the space know the balancer's addresses.
func (p *probed) follow() {
	p.t.Helper()
	program, err := p.data.ProbeProgram()
	must(p.t, err)
	must(p.t, p.balancer.Do(func() error {
		return p.space.Follow(netif.ProbeProgram(program), []netif.ProbeLAN{{
			Interface: p.balancer.Interface(), Sources: prefixes("192.168.100.210/24", "2001:db8::210/64"),
			Servers: map[netip.Addr]uint32{p.webs[0].Address(): 1, p.webs[1].Address(): 2},
		}})
	}))
}

// path is the way to one of the real servers.
func (p *probed) path(server *testbed.Host) *netif.ProbePath {
	return p.space.Path(p.balancer.Interface(), server.Address())
}

// dial opens a socket to a VIP by a path.
func (p *probed) dial(path *netif.ProbePath, network string, to netip.AddrPort) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(p.t.Context(), time.Second)
	defer cancel()
	conn, err := path.DialContext(ctx, network, to.String())
	if err == nil {
		err = conn.SetDeadline(time.Now().Add(time.Second))
	}
	return conn, err
}

// connect opens a connection and returns who answers.
func (p *probed) connect(path *netif.ProbePath, to netip.AddrPort) (string, error) {
	conn, err := p.dial(path, "tcp", to)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	name, err := io.ReadAll(conn)
	return string(name), err
}

// ask sends a datagram of so many bytes and returns who answers.
func (p *probed) ask(path *netif.ProbePath, to netip.AddrPort, size int) (string, error) {
	conn, err := p.dial(path, "udp", to)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if _, err := conn.Write(make([]byte, size)); err != nil {
		return "", err
	}
	answer := make([]byte, 4096)
	n, err := conn.Read(answer)
	if err == nil && n != size+len("web150") {
		err = fmt.Errorf("an answer of %d bytes to %d", n, size)
	}
	return string(answer[:min(n, len("web150"))]), err
}

// ping sends an echo request with an id and a sequence number, and expects an answer to it.
func (p *probed) ping(path *netif.ProbePath, vip netip.Addr, id, sequence uint16) error {
	conn, err := p.dial(path, "icmp", netip.AddrPortFrom(vip, 0))
	if err != nil {
		return err
	}
	defer conn.Close()
	request, reply := byte(8), byte(0)
	if vip.Is6() {
		request, reply = 128, 129
	}
	message := binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16([]byte{request, 0, 0, 0}, id), sequence)
	message = append(message, "hello"...)
	if _, err := conn.Write(message); err != nil {
		return err
	}
	answer := make([]byte, 64)
	n, err := conn.Read(answer)
	if err == nil && (n != len(message) || answer[0] != reply || string(answer[4:n]) != string(message[4:])) {
		err = fmt.Errorf("answer %x to %x", answer[:n], message)
	}
	return err
}

func TestProbesThroughAVIP(t *testing.T) {
	for _, mode := range []dataplane.Mode{dataplane.ModeNative, dataplane.ModeGeneric} {
		for holder, holds := range map[string]bool{"MASTER": true, "BACKUP": false} {
			t.Run(fmt.Sprintf("in %s mode on a %s", mode, holder), func(t *testing.T) {
				p := newProbed(t, mode, holds)
				for _, vip := range []netip.Addr{probedVIP, probedVIP6} {
					p.expect(vip)
				}
			})
		}
	}
}

// expect has the first real server answer at a VIP, and the other one, which lacks it, not.
func (p *probed) expect(vip netip.Addr) {
	p.t.Helper()
	service, closed := netip.AddrPortFrom(vip, p.port), netip.AddrPortFrom(vip, 81)
	path := p.path(p.webs[0])
	if name, err := p.connect(path, service); name != "web150" || err != nil {
		p.t.Errorf("a connection to %s is answered by %q, %v", service, name, err)
	}
	for _, size := range []int{10, 3000} { // the larger one is fragmented, as its answer is
		if name, err := p.ask(path, service, size); name != "web150" || err != nil {
			p.t.Errorf("a datagram of %d bytes to %s is answered by %q, %v", size, service, name, err)
		}
	}
	for _, sequence := range []uint16{0, 7, 0x8007} {
		if err := p.ping(path, vip, 4711, sequence); err != nil {
			p.t.Errorf("a ping of %s: %v", vip, err)
		}
	}
	if _, err := p.connect(path, closed); !errors.Is(err, unix.ECONNREFUSED) {
		p.t.Errorf("a connection to a port of %s that nobody listens on: %v", vip, err)
	}
	if _, err := p.ask(path, closed, 10); !errors.Is(err, unix.ECONNREFUSED) {
		p.t.Errorf("a datagram to a port of %s that nobody listens on: %v", vip, err)
	}
	var timeout net.Error
	if name, err := p.connect(p.path(p.webs[1]), service); !errors.As(err, &timeout) || !timeout.Timeout() {
		p.t.Errorf("the real server without %s answers as %q, %v", vip, name, err)
	}
}

func TestAPathIsAnErrorOfItsOwnWhileThereIsNone(t *testing.T) {
	p := newProbed(t, dataplane.ModeNative, false)
	for what, path := range map[string]*netif.ProbePath{
		"another interface":   p.space.Path("enp2s0", p.webs[0].Address()),
		"another real server": p.space.Path(p.balancer.Interface(), netip.MustParseAddr("192.168.100.99")),
	} {
		if err := path.Ready(probedVIP); !errors.Is(err, netif.ErrNoProbePath) {
			t.Errorf("%s: ready says %v", what, err)
		}
		for _, network := range []string{"tcp", "udp", "icmp"} {
			if _, err := p.dial(path, network, netip.AddrPortFrom(probedVIP, p.port)); !errors.Is(err, netif.ErrNoProbePath) {
				t.Errorf("%s: %s ends with %v", what, network, err)
			}
		}
	}
	if err := p.path(p.webs[0]).Ready(probedVIP); err != nil {
		t.Errorf("the path that is there: %v", err)
	}
}
