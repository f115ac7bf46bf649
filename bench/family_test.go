package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// sendBack is a balancer for whom every packet is already right.
func sendBack(t *testing.T) *ebpf.Program {
	t.Helper()
	program, err := ebpf.NewProgram(&ebpf.ProgramSpec{
		Type: ebpf.XDP, AttachType: ebpf.AttachXDP, License: "GPL",
		Instructions: asm.Instructions{asm.Mov.Imm(asm.R0, xdpTX), asm.Return()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { program.Close() })
	return program
}

func TestThePlayerMakesFramesOfEveryFamily(t *testing.T) {
	needRoot(t)
	const (
		macs    = "020000000001" + "020000000002"
		tcp     = "80000050" + "0000000000000000" + "5002" + "000000000000"
		padding = "000000000000"
	)
	for family, want := range map[Family]string{
		IPv4: macs + "0800" + "45000028000000004006" + "0000" + "c6120000" + "c0000201" + tcp + padding,
		VLAN: macs + "8100000a" + "0800" + "45000028000000004006" + "0000" + "c6120000" + "c0000201" + tcp + padding[:4],
		IPv6: macs + "86dd" + "6000000000140640" + "20010db80001000000000000c6120000" +
			"20010db8000000000000000000000001" + tcp,
	} {
		t.Run(string(family), func(t *testing.T) {
			player, err := newPlayer(family, openEach(1))
			if err != nil {
				t.Fatal(err)
			}
			defer player.close()
			if err := errors.Join(player.rewind(0), player.objects.ProgramUnderTest.Put(uint32(0), sendBack(t))); err != nil {
				t.Fatal(err)
			}
			frame := make([]byte, len(family.frame()))
			verdict, err := player.objects.XdpPlay.Run(&ebpf.RunOptions{Data: family.frame(), DataOut: frame})
			if err != nil || verdict != xdpTX {
				t.Fatalf("verdict %d, %v", verdict, err)
			}
			if got := hex.EncodeToString(frame); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

func TestWhatIsSentHasARightHeaderChecksum(t *testing.T) {
	needRoot(t)
	for _, family := range []Family{IPv4, VLAN} {
		player, err := newPlayer(family, useEach(50))
		if err != nil {
			t.Fatal(err)
		}
		defer player.close()
		for range 50 {
			frame := make([]byte, len(family.frame()))
			if _, err := player.objects.XdpSend.Run(&ebpf.RunOptions{Data: family.frame(), DataOut: frame}); err != nil {
				t.Fatal(err)
			}
			header := frame[etherBytes+family.tagBytes():][:ipv4Bytes]
			if sum := onesComplement(header); sum != 0xffff {
				t.Fatalf("%s: the words of %x add up to %#x", family, header, sum)
			}
		}
	}
}

// onesComplement adds up as RFC 1071 has it.
func onesComplement(header []byte) (sum uint32) {
	for words := bytes.NewReader(header); words.Len() > 0; {
		var word uint16
		if err := binary.Read(words, binary.BigEndian, &word); err != nil {
			return 0
		}
		sum += uint32(word)
	}
	for sum > 0xffff {
		sum = sum&0xffff + sum>>16
	}
	return sum
}
