package dataplane

import (
	"testing"

	"github.com/cilium/ebpf/asm"

	"drover/bpf"
)

// refuse has the kernel refuse a program until mend is called.
func (p *plane) refuse(program string) (mend func()) {
	spec := p.spec.Programs[program]
	if spec == nil {
		return func() {}
	}
	good := spec.Instructions
	spec.Instructions = asm.Instructions{asm.Return()} // what it returns was never set
	return func() { p.spec.Programs[program].Instructions = good }
}

// expectAtWork checks that a program is still on the wire and counts, and that the tables are swept and can be changed.
func (p *plane) expectAtWork(on Attachment, forwarded uint64) {
	p.t.Helper()
	if id := attachedProgram(p.t, on.Interface); id != on.ProgramID {
		p.t.Errorf("program %d is on %s, want %d", id, on.Interface, on.ProgramID)
	}
	sendFrame(p.t, tcp(client, web, ack))
	p.eventuallyCounts(ForwardFlow, forwarded)
	p.setState(2, RealDown)
	p.setState(2, RealUp)
	p.sweep()
	p.expectTrueLoads()
}

// TestAGrowthThatTheKernelRefusesCostsNothing, and can be tried again.
func TestAGrowthThatTheKernelRefusesCostsNothing(t *testing.T) {
	requireRoot(t)
	memory, err := totalMemory()
	must(t, err)
	for _, c := range []struct {
		name    string
		sizes   Sizes
		refused string // program
	}{
		{"a table larger than the memory", Sizes{Flows: int(memory) / flowSize / 2, Flows6: 1, Reals: 300}, ""},
		{"the program on the wire", larger, bpf.DroverProgDrover},
		{"the program that sweeps", larger, bpf.DroverProgSweep},
	} {
		t.Run(c.name, func(t *testing.T) {
			newNetns(t)
			p := newPlane(t, Options{Sizes: small})
			index := newVeth(t, "enp1s0")
			on := p.attachTo("enp1s0", index, ModeAuto)
			sendFrame(t, tcp(client, web, syn))
			p.eventuallyCounts(ForwardNew, 1)
			sizes := p.sizes()

			mend := p.refuse(c.refused)
			for range 2 {
				if p.Grow(c.sizes) == nil || p.Moving() || p.sizes() != sizes {
					t.Fatalf("it grows from %+v to %+v", sizes, p.sizes())
				}
			}
			p.expectAtWork(on, 1)
			mend()
			on = p.attachTo("enp1s0", index, ModeAuto) // it finds the maps that it was made for
			p.expectAtWork(on, 2)
			p.grow(larger)
			on.ProgramID = attachedProgram(t, "enp1s0")
			p.expectAtWork(on, 3)
			p.tidy()
		})
	}
}

// TestATidyingThatTheKernelRefusesCostsNothing, and can be tried again.
func TestATidyingThatTheKernelRefusesCostsNothing(t *testing.T) {
	requireRoot(t)
	for _, refused := range []string{bpf.DroverProgDrover, bpf.DroverProgSweep} {
		t.Run(refused, func(t *testing.T) {
			newNetns(t)
			p := newPlane(t, Options{Sizes: small})
			on := p.attachTo("enp1s0", newVeth(t, "enp1s0"), ModeAuto)
			sendFrame(t, tcp(client, web, syn))
			p.eventuallyCounts(ForwardNew, 1)
			p.grow(larger)
			p.sweep()
			on.ProgramID = attachedProgram(t, "enp1s0")

			mend := p.refuse(refused)
			if p.Tidy() == nil || !p.Moving() {
				t.Error("it lets the old table go")
			}
			p.expectAtWork(on, 1)
			mend()
			p.tidy()
			on.ProgramID = attachedProgram(t, "enp1s0")
			p.expectAtWork(on, 2)
		})
	}
}

// TestAnAttachmentThatTheKernelRefusesChangesNothing: an earlier process's program is still known to write to the table
// that was replaced.
func TestAnAttachmentThatTheKernelRefusesChangesNothing(t *testing.T) {
	newNetns(t)
	p := newPlane(t, Options{Sizes: small})
	index := newVeth(t, "enp1s0")
	on := p.attachTo("enp1s0", index, ModeAuto)
	sendFrame(t, tcp(client, web, syn))
	p.eventuallyCounts(ForwardNew, 1)
	p = p.reopen(Options{Sizes: larger})
	p.sweep()

	mend := p.refuse(bpf.DroverProgDrover)
	if _, err := p.Attach(Interface{Name: "enp1s0", Index: index, MAC: ownMAC, MTU: ownMTU}, ModeAuto); err == nil {
		t.Fatal("it attaches what the kernel refuses")
	}
	sendFrame(t, tcp("203.0.113.7:2", web, syn))
	p.eventuallyCounts(ForwardNew, 2)
	p.sweep()
	if must(t, p.Tidy()); !p.Moving() || attachedProgram(t, "enp1s0") != on.ProgramID {
		t.Fatal("the table that the program on the wire uses was let go")
	}
	mend()
	p.attachTo("enp1s0", index, ModeAuto)
	p.tidy()
	p.expect(tcp("203.0.113.7:2", web, ack), kept(2))
	p.expectTrueLoads()
}
