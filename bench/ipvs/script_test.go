package ipvs

import (
	"encoding/binary"
	"net/netip"
	"testing"
)

func TestScripts(t *testing.T) {
	const flows = 1000
	opened := make(map[wireStep]bool)
	for i, s := range openEach(flows) {
		if syn := s.Flags == raw(tcpSYN); syn != (i%2 == 0) {
			t.Fatalf("step %d: SYN is %v", i, syn)
		}
		opened[s] = true
	}
	if len(opened) != 2*flows {
		t.Errorf("%d different packets open %d connections", len(opened), flows)
	}
	used := make(map[wireStep]bool)
	for _, s := range useEach(flows) {
		if !opened[s] {
			t.Fatalf("%+v belongs to no connection that was opened", s)
		}
		used[s] = true
	}
	if len(used) != flows {
		t.Errorf("%d of %d connections are used", len(used), flows)
	}
}

func TestChecksumMakesTheHeaderSumUpToNothing(t *testing.T) {
	client := netip.AddrFrom4([4]byte{198, 19, 255, 254})
	header := frame()[ethernetHeader : ethernetHeader+ipHeader]
	header[8], header[9] = timeToLive, ipTCP
	binary.BigEndian.PutUint16(header[10:], ipChecksum(client, virtualServer().Addr()))
	copy(header[12:], client.AsSlice())
	copy(header[16:], virtualServer().Addr().AsSlice())
	sum := uint32(0)
	for i := 0; i < len(header); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(header[i:]))
	}
	if folded := sum>>16 + sum&0xffff; folded != 0xffff {
		t.Errorf("the words of the header add up to %#x, not 0xffff", folded)
	}
}

func TestReception(t *testing.T) {
	for _, test := range []struct {
		name     string
		received reception
		ok       bool
	}{
		{"all came, to any real server", reception{3, 0, 1, 6}, true},
		{"one was lost", reception{3, 0, 1, 5}, false},
		{"one came twice", reception{3, 0, 1, 7}, false},
		{"one went elsewhere", reception{3, 0, 1, 5, 1}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := reception{1, 2, 3, 4, 5}
			after := before
			for i := range after {
				after[i] += test.received[i]
			}
			if err := after.minus(before).check(10); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}
