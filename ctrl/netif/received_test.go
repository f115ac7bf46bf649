package netif

import (
	"errors"
	"net"
	"testing"
)

func TestReceivedFramesAreCounted(t *testing.T) {
	r, err := OpenReceived("lo")
	if err != nil {
		t.Fatal(err)
	}
	before, err := r.Frames()
	if err != nil {
		t.Fatal(err)
	}
	to, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer to.Close()
	if _, err := to.WriteTo([]byte("frame"), to.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	if after, err := r.Frames(); err != nil || after <= before {
		t.Errorf("%d frames, %v after a datagram, %d before", after, err, before)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if frames, err := r.Frames(); err == nil {
		t.Errorf("%d frames after the end", frames)
	}
}

func TestWhatAnAbsentInterfaceReceivesIsNotCounted(t *testing.T) {
	if r, err := OpenReceived("absent0"); !errors.Is(err, ErrNoInterface) {
		t.Errorf("%v, %v, want %v", r, err, ErrNoInterface)
	}
}
