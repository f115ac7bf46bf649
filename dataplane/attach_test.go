package dataplane

import (
	"cmp"
	"errors"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"
	"github.com/mdlayher/packet"
	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netns"

	"drover/bpf"
)

const peerName = "peer"

// newNetns puts the test into a network namespace of its own, which ends with the test's thread.
func newNetns(t *testing.T) {
	t.Helper()
	requireRoot(t)
	runtime.LockOSThread() // for good: a thread that is in another namespace must not serve another test
	ns, err := netns.New()
	must(t, err)
	must(t, ns.Close())
}

// newVeth connects an interface to "peer" and returns its index.
func newVeth(t *testing.T, name string) int {
	t.Helper()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.HardwareAddr = name, ownMAC[:]
	veth := &netlink.Veth{LinkAttrs: attrs, PeerName: peerName, PeerHardwareAddr: routerMAC[:]}
	must(t, netlink.LinkAdd(veth))
	for _, end := range []string{name, peerName} {
		up, err := netlink.LinkByName(end)
		must(t, err)
		must(t, netlink.LinkSetUp(up))
	}
	return veth.Index
}

// attachedProgram is the id of the XDP program that the kernel has on an interface; 0 if none.
func attachedProgram(t *testing.T, name string) uint32 {
	t.Helper()
	l, err := netlink.LinkByName(name)
	must(t, err)
	if xdp := l.Attrs().Xdp; xdp != nil {
		return xdp.ProgId
	}
	return 0
}

func (p *plane) attachTo(name string, index int, mode Mode) Attachment {
	p.t.Helper()
	got, err := p.Attach(Interface{Name: name, Index: index, MAC: ownMAC, MTU: ownMTU}, mode)
	must(p.t, err)
	if on := attachedProgram(p.t, name); on == 0 || on != got.ProgramID {
		p.t.Errorf("program %d is on %s, want %d", on, name, got.ProgramID)
	}
	return got
}

func (p *plane) linkID(name string) link.ID {
	p.t.Helper()
	info, err := p.links[name].link.Info()
	must(p.t, err)
	return info.ID
}

func (p *plane) expectPins(want ...string) {
	p.t.Helper()
	got, err := filepath.Glob(filepath.Join(p.dir, linkDir, "*", "*"))
	must(p.t, err)
	for n := range got {
		got[n], err = filepath.Rel(filepath.Join(p.dir, linkDir), got[n])
		must(p.t, err)
	}
	if slices.Sort(got); !slices.Equal(got, want) {
		p.t.Errorf("the pinned links are %q, want %q", got, want)
	}
}

// TestAttach puts the program on a veth, which can both modes, and sends a frame to it.
func TestAttach(t *testing.T) {
	requireRoot(t)
	for mode, want := range map[Mode]Mode{ModeAuto: ModeNative, ModeNative: ModeNative, ModeGeneric: ModeGeneric} {
		t.Run(string(mode), func(t *testing.T) {
			newNetns(t)
			p := newPlane(t, Options{})
			got := p.attachTo("enp1s0", newVeth(t, "enp1s0"), mode)
			if got.Interface != "enp1s0" || got.Mode != want {
				t.Errorf("it says %+v, want %s on enp1s0", got, want)
			}
			p.expectPins("enp1s0/" + string(want))
			all, err := p.Attachments()
			if err != nil || !slices.Equal(all, []Attachment{got}) {
				t.Errorf("it lists %v, %v, want %v", all, err, got)
			}
			sendFrame(t, tcp(client, web, syn))
			p.eventuallyCounts(ForwardNew, 1)
		})
	}
}

// sendFrame sends from the peer's end of the cable.
func sendFrame(t *testing.T, frame []byte) {
	t.Helper()
	peer, err := net.InterfaceByName(peerName)
	must(t, err)
	socket, err := packet.Listen(peer, packet.Raw, 0, nil)
	must(t, err)
	_, err = socket.WriteTo(frame, &packet.Addr{HardwareAddr: ownMAC[:]})
	must(t, errors.Join(err, socket.Close()))
}

func (p *plane) eventuallyCounts(v Verdict, n uint64) {
	p.t.Helper()
	eventually(p.t, v.String()+" is counted", func() bool {
		counts, err := p.Verdicts()
		must(p.t, err)
		return counts[v] == n
	})
}

func TestEachInterfaceSendsFromItsOwnMAC(t *testing.T) {
	p := newPlane(t, Options{})
	second, err := p.loadProgram(Interface{MAC: routerMAC, MTU: ownMTU})
	must(t, err)
	defer second.Close()
	frame := with(tcp(client, web, syn), atDestination, routerMAC[:]...)
	want := sentFrom(frame, routerMAC, realMAC(1))
	if action, out, err := runFrame(second, frame); err != nil || action != xdpTX || !slices.Equal(out, want) {
		t.Errorf("%s %x, %v, want XDP_TX %x", actionName(action), out, err, want)
	}
	p.expect(frame, ends(PassOtherHost))
	p.expect(tcp(client, web, ack), kept(1)) // the flow is shared
}

func TestASecondAttachReplacesTheProgramOnTheSameLink(t *testing.T) {
	requireRoot(t)
	for _, mode := range []Mode{ModeNative, ModeGeneric} {
		t.Run(string(mode), func(t *testing.T) {
			newNetns(t)
			p := newPlane(t, Options{})
			index := newVeth(t, "enp1s0")
			first, id := p.attachTo("enp1s0", index, mode), p.linkID("enp1s0")
			for _, again := range []Mode{mode, ModeAuto} {
				second := p.attachTo("enp1s0", index, again)
				if second.ProgramID == first.ProgramID || second.Mode != mode || p.linkID("enp1s0") != id {
					t.Errorf("%s makes of %+v on link %d: %+v on link %d", again, first, id, second, p.linkID("enp1s0"))
				}
				p.eventuallyGone(first.ProgramID)
				first = second
			}
		})
	}
}

// eventuallyGone waits until a program is unloaded, which the kernel does in its own time.
func (p *plane) eventuallyGone(id uint32) {
	p.t.Helper()
	eventually(p.t, "the program is unloaded", func() bool {
		program, err := ebpf.NewProgramFromID(ebpf.ProgramID(id))
		if err == nil {
			must(p.t, program.Close())
		}
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestAttachInTheOtherModeMakesANewLink(t *testing.T) {
	newNetns(t)
	p := newPlane(t, Options{})
	index := newVeth(t, "enp1s0")
	p.attachTo("enp1s0", index, ModeNative)
	if got := p.attachTo("enp1s0", index, ModeGeneric); got.Mode != ModeGeneric {
		t.Errorf("it says %+v", got)
	}
	p.expectPins("enp1s0/generic")
}

func TestAProgramOfSomeoneElseIsLeftAlone(t *testing.T) {
	requireRoot(t)
	for _, theirs := range []link.XDPAttachFlags{link.XDPDriverMode, link.XDPGenericMode} {
		for _, mode := range []Mode{ModeAuto, ModeNative, ModeGeneric} {
			t.Run(map[link.XDPAttachFlags]string{link.XDPDriverMode: "native", link.XDPGenericMode: "generic"}[theirs]+
				" under "+string(mode), func(t *testing.T) {
				newNetns(t)
				p := newPlane(t, Options{})
				index := newVeth(t, "enp1s0")
				other := attachOther(t, index, theirs)
				_, err := p.Attach(Interface{Name: "enp1s0", Index: index, MAC: ownMAC, MTU: ownMTU}, mode)
				if !errors.Is(err, ErrBusy) || !strings.Contains(err.Error(), "enp1s0") {
					t.Errorf("it says %v, want ErrBusy and the interface", err)
				}
				if on := attachedProgram(t, "enp1s0"); on != other {
					t.Errorf("program %d is attached, want %d", on, other)
				}
				p.expectPins()
			})
		}
	}
}

// attachOther attaches a program that passes everything and returns its id.
func attachOther(t *testing.T, index int, flags link.XDPAttachFlags) uint32 {
	t.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type:         ebpf.XDP,
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, xdpPass), asm.Return()},
	})
	must(t, err)
	l, err := link.AttachXDP(link.XDPOptions{Program: program, Interface: index, Flags: flags})
	must(t, err)
	t.Cleanup(func() { must(t, errors.Join(l.Close(), program.Close())) })
	info, err := program.Info()
	must(t, err)
	id, _ := info.ID()
	return uint32(id)
}

func TestDetachTakesTheProgramOff(t *testing.T) {
	newNetns(t)
	p := newPlane(t, Options{})
	index := newVeth(t, "enp1s0")
	id := p.attachTo("enp1s0", index, ModeAuto).ProgramID
	for range 2 { // the second has nothing to do
		must(t, p.Detach("enp1s0"))
		if on := attachedProgram(t, "enp1s0"); on != 0 {
			t.Errorf("program %d is still on", on)
		}
		p.expectPins()
	}
	p.eventuallyGone(id)
	p.attachTo("enp1s0", index, ModeAuto)
}

func TestThePinnedLinkOutlivesTheProcess(t *testing.T) {
	newNetns(t)
	p := newPlane(t, Options{})
	index := newVeth(t, "lan.100")
	first, id := p.attachTo("lan.100", index, ModeGeneric), p.linkID("lan.100")
	must(t, p.Close())
	if on := attachedProgram(t, "lan.100"); on != first.ProgramID {
		t.Fatalf("program %d is on after Close, want %d", on, first.ProgramID)
	}
	p = p.reopen(Options{})
	all, err := p.Attachments()
	if err != nil || !slices.Equal(all, []Attachment{first}) {
		t.Errorf("the next process lists %v, %v, want %v", all, err, first)
	}
	second := p.attachTo("lan.100", index, ModeAuto)
	if second.ProgramID == first.ProgramID || second.Mode != ModeGeneric || p.linkID("lan.100") != id {
		t.Errorf("it makes of %+v on link %d: %+v on link %d", first, id, second, p.linkID("lan.100"))
	}
	sendFrame(t, tcp(client, web, syn))
	p.eventuallyCounts(ForwardNew, 1)
}

func TestTablesThatAreReplacedGoWithTheNextAttach(t *testing.T) {
	newNetns(t)
	p := newPlane(t, Options{})
	index := newVeth(t, "enp1s0")
	p.attachTo("enp1s0", index, ModeAuto)
	id := p.linkID("enp1s0")
	must(t, p.objects.Settings.Put(uint32(0), bpf.DroverSettings{Layout: uint64(bpf.DroverLimitsLAYOUT) + 1}))
	p = p.reopen(Options{})
	p.apply()
	p.attachTo("enp1s0", index, ModeAuto)
	if got := p.linkID("enp1s0"); got != id {
		t.Errorf("it is link %d, want %d still", got, id)
	}
	sendFrame(t, tcp(client, web, syn))
	p.eventuallyCounts(ForwardNew, 1)
}

func TestAnInterfaceThatWasMadeAnewIsAttachedAnew(t *testing.T) {
	newNetns(t)
	p := newPlane(t, Options{})
	index := newVeth(t, "enp1s0")
	p.attachTo("enp1s0", index, ModeAuto)
	for _, reopen := range []bool{false, true} {
		gone, err := netlink.LinkByName("enp1s0")
		must(t, err)
		must(t, netlink.LinkDel(gone))
		if reopen {
			p = p.reopen(Options{})
		}
		again := newVeth(t, "enp1s0")
		if again == index {
			t.Fatal("the interface has its old index")
		}
		p.attachTo("enp1s0", again, ModeAuto)
		p.expectPins("enp1s0/native")
		index = again
	}
}

func TestRemoveTakesTheProgramOffEverywhere(t *testing.T) {
	newNetns(t)
	p := newPlane(t, Options{})
	var ids []uint32
	index := newVeth(t, "lan.100")
	peer, err := net.InterfaceByName(peerName)
	must(t, err)
	ids = append(ids, p.attachTo("lan.100", index, ModeNative).ProgramID)
	ids = append(ids, p.attachTo(peerName, peer.Index, ModeGeneric).ProgramID)
	p.expectPins("lan,100/native", peerName+"/generic")
	p = p.reopen(Options{}) // Remove must know links that this process has not attached

	must(t, p.Remove())
	if _, err := os.Stat(p.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is still there: %v", p.dir, err)
	}
	for n, name := range []string{"lan.100", peerName} {
		if on := attachedProgram(t, name); on != 0 {
			t.Errorf("program %d is still on %s", on, name)
		}
		p.eventuallyGone(ids[n])
	}
}

func TestAttachRefuses(t *testing.T) {
	requireRoot(t)
	const missing = 9999
	for _, c := range []struct {
		name  string
		index int // 0 for the one that there is
		mode  Mode
		say   string
	}{
		{"an unknown mode", 0, "fast", `"fast"`},
		{"an interface that is not there", missing, ModeAuto, "no such network interface"},
	} {
		t.Run(c.name, func(t *testing.T) {
			newNetns(t)
			p := newPlane(t, Options{})
			on := Interface{Name: "enp1s0", Index: cmp.Or(c.index, newVeth(t, "enp1s0")), MAC: ownMAC, MTU: ownMTU}
			_, err := p.Attach(on, c.mode)
			if err == nil || !strings.Contains(err.Error(), c.say) || !strings.Contains(err.Error(), "attach enp1s0") {
				t.Errorf("it says %v, want a word of %s", err, c.say)
			}
			p.expectPins()
		})
	}
}

func TestAMACIsThatOfAnEthernetInterface(t *testing.T) {
	for _, c := range []struct {
		address net.HardwareAddr
		good    bool
	}{{ownMAC[:], true}, {nil, false}, {make(net.HardwareAddr, 8), false}, {make(net.HardwareAddr, 20), false}} {
		if got, err := ParseMAC(c.address); (err == nil) != c.good || c.good && got != ownMAC {
			t.Errorf("%s comes out as %s, %v", c.address, got, err)
		}
	}
}
