package dataplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"testing"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"drover/bench/yardstick"
)

// Sizes of the long floods. A flood's script has groups of three packets: one of an established connection, the SYN of
// a new client, and the ACK of the one that came a while before. A packet of it comes between those of strangers.
const (
	longFlood       = 10_000_000 // packets of each kind, strangers and others
	longConnections = 10_000
	longEvery       = 250                               // one packet in so many is the script's
	longGroups      = longFlood/longEvery/longGroup + 1 // and so new clients
	longLag         = 20_000/longEvery/longGroup + 1    // groups between the two packets of a client
	longTable       = 100_000                           // connections that the table is made for
	longGroup       = 3
)

// TestTenMillionSYNsAndACKsLeaveEstablishedConnections plays a hundred times what the table is made for, inside the
// kernel, of IPv4; TestAFloodLeavesEstablishedConnections does less, of both families.
func TestTenMillionSYNsAndACKsLeaveEstablishedConnections(t *testing.T) {
	p := newPlane(t, Options{Sizes: Sizes{Flows: longTable, Flows6: 1, Reals: 255}})
	var script []yardstick.PlayerStep
	for n := range longConnections {
		script = append(script, playerStep(n, syn), playerStep(n, ack))
	}
	open := len(script)
	for kind := range 2 {
		script = append(script, longFloodScript(longConnections+kind*longGroups)...)
	}
	f := newFlooder(p, script)
	home := f.play(0, open, 1, 0) // without strangers
	for n := range longConnections {
		if to := home[2*n+1]; to != home[2*n] || !to.real() {
			t.Fatalf("connection %d opens with %s and %s", n, home[2*n], to)
		}
	}
	for kind, flags := range []byte{syn, ack} {
		before, err := p.Verdicts()
		must(t, err)
		went := f.play(open+kind*longGroups*longGroup, longGroups*longGroup, longEvery, flags)
		expectKept(t, home, went)
		after, err := p.Verdicts()
		must(t, err)
		verdict := map[byte]Verdict{syn: ForwardNew, ack: ForwardUntracked}[flags]
		const strangers = longGroups * longGroup * (longEvery - 1)
		// A few of them come twice: there are 2^40.
		if n := after[verdict] - before[verdict]; n < strangers-strangers/10_000 {
			t.Errorf("of %d strangers %d are %s", strangers, n, verdict)
		}
	}
	if gone := p.displaced(); gone[FlowEmbryonic] < longFlood/2 || len(gone) != 1 {
		t.Errorf("the floods displaced %v, want embryonic flows and no others", gone)
	}
	p.expectTrueLoads()
}

// longFloodScript is that of a flood; clients are new from a number on.
func longFloodScript(client int) (script []yardstick.PlayerStep) {
	for group := range longGroups {
		known := playerStep(0, ack) // while there is none
		if group >= longLag {
			known = playerStep(client+group-longLag, ack)
		}
		script = append(script, playerStep(group%longConnections, ack), playerStep(client+group, syn), known)
	}
	return script
}

// expectKept checks where the packets of a flood's script went: those of connections home, and both of a client to one
// real server.
func expectKept(t *testing.T, home, went []headed) {
	t.Helper()
	moved, lost := 0, 0
	for group := range longGroups {
		at := went[longGroup*group:][:longGroup]
		if at[0] != home[2*(group%longConnections)] {
			moved++
		}
		if group >= longLag && (!at[2].real() || at[2] != went[longGroup*(group-longLag)+1]) {
			lost++
		}
	}
	if moved > 0 || lost > 0 {
		t.Errorf("%d packets of connections went elsewhere, %d of %d new clients did not get in", moved, lost, longGroups-longLag)
	}
}

// headed is how a frame begins that was played: to which MAC address it went, and two bytes more.
type headed [8]byte

func (h headed) real() bool { return MAC(h[:6]) == realMAC(1) || MAC(h[:6]) == realMAC(2) }

func (h headed) String() string { return MAC(h[:6]).String() }

// flooder plays a script to the program, see bench/yardstick/player.bpf.c.
type flooder struct {
	p       *plane
	player  yardstick.PlayerObjects
	started uint64 // strangers' generators
}

// playerStep is a segment of a client.
func playerStep(client int, flags byte) yardstick.PlayerStep {
	address := netip.AddrFrom4([4]byte{198, 18, byte(client >> 8), byte(client)})
	return yardstick.PlayerStep{Client: encodeIPv4(address), Port: encodePort(40000), Flags: encodePort(5<<12 | uint16(flags))}
}

func newFlooder(p *plane, script []yardstick.PlayerStep) *flooder {
	p.t.Helper()
	spec, err := yardstick.LoadPlayer()
	must(p.t, err)
	for _, name := range []string{yardstick.PlayerMapScript, yardstick.PlayerMapOutcome} {
		spec.Maps[name].MaxEntries = uint32(len(script))
	}
	eight := func(mac MAC) (raw [8]byte) {
		copy(raw[:], mac[:])
		return raw
	}
	to := netip.MustParseAddrPort(web)
	for name, value := range map[string]any{
		yardstick.PlayerVarVip: encodeIPv4(to.Addr()), yardstick.PlayerVarVipPort: encodePort(to.Port()),
		yardstick.PlayerVarBalancerMac: eight(ownMAC), yardstick.PlayerVarRouterMac: eight(routerMAC),
		yardstick.PlayerVarScriptLength: uint32(len(script)),
	} {
		must(p.t, spec.Variables[name].Set(value))
	}
	f := &flooder{p: p}
	must(p.t, spec.LoadAndAssign(&f.player, nil))
	p.t.Cleanup(func() { must(p.t, f.player.Close()) })
	places := make([]uint32, len(script))
	for n := range places {
		places[n] = uint32(n)
	}
	_, err = f.player.Script.BatchUpdate(places, script, nil)
	must(p.t, err)
	must(p.t, f.player.ProgramUnderTest.Put(uint32(0), p.program))
	return f
}

// play plays steps of the script, each followed by the packets of strangers up to the next, and returns where they went.
func (f *flooder) play(from, steps, every int, strangers byte) []headed {
	f.p.t.Helper()
	f.started++
	must(f.p.t, errors.Join(
		f.player.NextStep.Set(uint32(from)), f.player.Turn.Set(uint32(0)), f.player.LastStep.Set(uint32(0)),
		f.player.ScriptEvery.Set(uint32(every)), f.player.StrangerFlags.Set(encodePort(5<<12|uint16(strangers))),
		f.player.StrangerState.Set(f.started*0x9e3779b97f4a7c15),
	))
	frame := tcp(client, web, ack)
	must(f.p.t, f.run(frame, steps*every+1)) // the last shows where the one before it went
	went := make([]headed, steps)
	for n := range went {
		must(f.p.t, f.player.Outcome.Lookup(uint32(from+n), &went[n]))
	}
	return went
}

// run plays so many packets. No signal reaches the thread: the kernel cuts a test run short at one, and the Go runtime sends
// some.
func (f *flooder) run(frame []byte, packets int) (err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var all, before unix.Sigset_t
	for n := range all.Val {
		all.Val[n] = ^uint64(0)
	}
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil)) }()
	return f.runAtOnce(frame, packets)
}

// runAtOnce leaves in the frame what the program under test made of the last packet.
func (f *flooder) runAtOnce(frame []byte, packets int) error {
	var before, after uint32
	if err := f.player.Turn.Get(&before); err != nil {
		return err
	}
	out := make([]byte, len(frame))
	action, err := f.player.XdpFlood.Run(&ebpf.RunOptions{Data: frame, DataOut: out, Repeat: uint32(packets)})
	if err = errors.Join(err, f.player.Turn.Get(&after)); err != nil {
		return err
	}
	copy(frame, out)
	if played := int(after - before); action != xdpTX || played != packets || binary.BigEndian.Uint16(frame[12:]) != 0x0800 {
		return fmt.Errorf("the last of %d packets, of %d: %s", played, packets, actionName(action))
	}
	return nil
}
