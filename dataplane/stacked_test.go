package dataplane

import (
	"bytes"
	"errors"
	"net"
	"os"
	"testing"
	"time"

	"github.com/cilium/ebpf/link"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

const nicName = "enp1s0"

// stack is an interface that the program serves: one of the host's that stands on the NIC, the one that the program sits
// on for that, and how its frames look at the other end of the cable.
type stack struct {
	name   string
	build  func(t *testing.T, nic netlink.Link) (used, attached netlink.Link)
	tags   []uint16
	modes  []Mode
	atPeer func(t *testing.T) string // the interface of the other end that has the frames without tags
}

var stacks = []stack{
	{name: "a NIC", build: onNIC, modes: []Mode{ModeNative, ModeGeneric}, atPeer: plainPeer},
	{name: "a VLAN", build: onVLAN, tags: []uint16{customerTag}, modes: []Mode{ModeNative, ModeGeneric}, atPeer: vlanAtPeer},
	{name: "a bond", build: onBond, modes: []Mode{ModeNative, ModeGeneric}, atPeer: plainPeer},
}

// TestStackedInterfacesForward sends real frames to a host whose interface stands on another one: those of a virtual
// server come back out with the tag that they came with, and all else reaches the interface.
func TestStackedInterfacesForward(t *testing.T) {
	requireRoot(t)
	for _, s := range stacks {
		for _, mode := range s.modes {
			t.Run(s.name+", "+string(mode), func(t *testing.T) { s.forwards(t, mode) })
		}
	}
}

func (s stack) forwards(t *testing.T, mode Mode) {
	newNetns(t)
	newVeth(t, nicName)
	nic := linkNamed(t, nicName)
	used, attached := s.build(t, nic)
	attachOther(t, linkNamed(t, peerName).Attrs().Index, link.XDPDriverMode) // without it native XDP delivers nothing to a veth
	p := newPlane(t, Options{})
	p.attachTo(attached.Attrs().Name, attached.Attrs().Index, mode)
	here, there := listen(t, used.Attrs().Name), listen(t, s.atPeer(t))

	opening, segment := tcp(client, web, syn), tcp(client, web, ack)
	for _, frame := range [][]byte{opening, segment} {
		sendFrame(t, tagged(frame, s.tags...))
		expectFrame(t, there, forwardedTo(1, frame))
	}
	p.eventuallyCounts(ForwardNew, 1)
	p.eventuallyCounts(ForwardFlow, 1)
	other := tcp(client, vip+":9", syn)
	sendFrame(t, tagged(other, s.tags...))
	expectFrame(t, here, other)
}

func onNIC(_ *testing.T, nic netlink.Link) (used, attached netlink.Link) { return nic, nic }

// onVLAN has the program on the NIC, which sees the tags.
func onVLAN(t *testing.T, nic netlink.Link) (used, attached netlink.Link) {
	return addVLAN(t, nic), nic
}

// onBond makes the NIC a port of a bond.
func onBond(t *testing.T, nic netlink.Link) (used, attached netlink.Link) {
	bond := netlink.NewLinkBond(netlink.LinkAttrs{Name: "bond0"})
	bond.Mode = netlink.BOND_MODE_ACTIVE_BACKUP
	addLink(t, bond)
	must(t, netlink.LinkSetDown(nic)) // or it is not taken
	must(t, netlink.LinkSetMaster(nic, bond))
	must(t, netlink.LinkSetUp(nic))
	must(t, netlink.LinkSetUp(bond))
	return bond, bond
}

func plainPeer(*testing.T) string { return peerName }

// vlanAtPeer takes the tag off in the kernel.
func vlanAtPeer(t *testing.T) string {
	return addVLAN(t, linkNamed(t, peerName)).Attrs().Name
}

func addVLAN(t *testing.T, on netlink.Link) netlink.Link {
	t.Helper()
	attrs := netlink.LinkAttrs{Name: on.Attrs().Name + ".100", ParentIndex: on.Attrs().Index}
	addLink(t, &netlink.Vlan{LinkAttrs: attrs, VlanId: 100, VlanProtocol: netlink.VLAN_PROTOCOL_8021Q}) // as tagged has it
	vlan := linkNamed(t, attrs.Name)
	must(t, netlink.LinkSetUp(vlan))
	return vlan
}

// addLink adds a device. Where the kernel has none of its kind the test is left to package bpf/kernels, which runs it on
// a kernel that has.
func addLink(t *testing.T, l netlink.Link) {
	t.Helper()
	err := netlink.LinkAdd(l)
	if errors.Is(err, unix.EOPNOTSUPP) && os.Getenv("DROVER_TEST_EVERY_DEVICE") != "1" {
		t.Skipf("this kernel is built without devices of kind %s: bpf/kernels runs this test on one that has them", l.Type())
	}
	must(t, err)
}

func linkNamed(t *testing.T, name string) netlink.Link {
	t.Helper()
	l, err := netlink.LinkByName(name)
	must(t, err)
	return l
}

// forwardedTo is what the program makes of a frame.
func forwardedTo(id RealID, frame []byte) []byte { return sentFrom(frame, ownMAC, realMAC(id)) }

// listen hears the frames that an interface is given.
func listen(t *testing.T, name string) *packet.Conn {
	t.Helper()
	on, err := net.InterfaceByName(name)
	must(t, err)
	conn, err := packet.Listen(on, packet.Raw, unix.ETH_P_ALL, nil)
	must(t, err)
	t.Cleanup(func() { must(t, conn.Close()) })
	return conn
}

// expectFrame waits for a frame, and passes over others.
func expectFrame(t *testing.T, conn *packet.Conn, want []byte) {
	t.Helper()
	must(t, conn.SetReadDeadline(time.Now().Add(deadline)))
	buffer := make([]byte, 2048)
	for {
		n, _, err := conn.ReadFrom(buffer)
		if err != nil {
			t.Fatalf("no frame %x: %v", want, err)
		}
		if bytes.Equal(buffer[:n], want) {
			return
		}
	}
}
