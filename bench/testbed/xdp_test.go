package testbed_test

import (
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"github.com/cilium/ebpf/link"

	"net"
)

// TestNativeXDPReturnsFramesThroughTheCable holds what a balancer needs of a cable: XDP_TX in native mode, and a
// checksum that the sender finished.
func TestNativeXDPReturnsFramesThroughTheCable(t *testing.T) {
	p := newPair(t)
	check(t, p.right.Do(func() error {
		device, err := net.InterfaceByName(p.right.Interface())
		if err != nil {
			return err
		}
		program, err := ebpf.NewProgram(&ebpf.ProgramSpec{Type: ebpf.XDP, License: "GPL", Instructions: mirrorUDP()})
		if err != nil {
			return err
		}
		t.Cleanup(func() { program.Close() })
		attached, err := link.AttachXDP(link.XDPOptions{Program: program, Interface: device.Index, Flags: link.XDPDriverMode})
		if err != nil {
			return err
		}
		t.Cleanup(func() { attached.Close() })
		return nil
	}))
	// Nobody listens on the other host: only the program can answer. It leaves the ports alone, so the same port
	// sends and receives.
	conn, err := p.left.ListenPacket("udp4", ":7")
	check(t, err)
	defer conn.Close()
	to := &net.UDPAddr{IP: p.right.Address().AsSlice(), Port: 7}
	deadline, _ := within(t).Deadline()
	check(t, conn.SetDeadline(deadline))
	_, err = conn.WriteTo([]byte("bounce"), to)
	check(t, err)
	buffer := make([]byte, 64)
	n, from, err := conn.ReadFrom(buffer)
	check(t, err)
	if string(buffer[:n]) != "bounce" || from.String() != to.String() {
		t.Errorf("%q from %s", buffer[:n], from)
	}
}

// mirrorUDP sends IPv4 UDP frames back with both pairs of addresses swapped, which leaves the checksums right.
func mirrorUDP() asm.Instructions {
	const headers = 14 + 20 + 8
	instructions := asm.Instructions{
		asm.Mov.Imm(asm.R0, 2), // XDP_PASS
		asm.LoadMem(asm.R2, asm.R1, 0, asm.Word),
		asm.LoadMem(asm.R3, asm.R1, 4, asm.Word),
		asm.Mov.Reg(asm.R4, asm.R2),
		asm.Add.Imm(asm.R4, headers),
		asm.JGT.Reg(asm.R4, asm.R3, "done"),
		asm.LoadMem(asm.R4, asm.R2, 12, asm.Half),
		asm.JNE.Imm(asm.R4, 0x0008, "done"), // IPv4, in network order
		asm.LoadMem(asm.R4, asm.R2, 23, asm.Byte),
		asm.JNE.Imm(asm.R4, 17, "done"),
	}
	for _, swap := range []struct {
		a, b int16
		size asm.Size
	}{{0, 6, asm.Half}, {2, 8, asm.Half}, {4, 10, asm.Half}, {26, 30, asm.Word}} {
		instructions = append(instructions,
			asm.LoadMem(asm.R4, asm.R2, swap.a, swap.size),
			asm.LoadMem(asm.R5, asm.R2, swap.b, swap.size),
			asm.StoreMem(asm.R2, swap.b, asm.R4, swap.size),
			asm.StoreMem(asm.R2, swap.a, asm.R5, swap.size),
		)
	}
	return append(instructions,
		asm.Mov.Imm(asm.R0, 3), // XDP_TX
		asm.Return().WithSymbol("done"),
	)
}
