package testbed_test

import (
	"testing"
	"time"

	"drover/bench/testbed"
)

func awaitCarrier(t *testing.T, h *testbed.Host, want bool) {
	t.Helper()
	check(t, testbed.Until(within(t), func() (bool, error) {
		got, err := h.Carrier()
		return got == want, err
	}))
}

func TestAPulledCableTakesTheCarrierAway(t *testing.T) {
	p := newPair(t)
	serveEcho(t, p.right)
	awaitCarrier(t, p.left, true)
	check(t, p.left.Pull())
	awaitCarrier(t, p.left, false)
	if echo(t, p.left, p.right, 200*time.Millisecond) {
		t.Error("frames pass a pulled cable")
	}
	check(t, p.left.Plug())
	awaitCarrier(t, p.left, true)
	awaitEcho(t, p.left, p.right)
}

func TestACutCableKeepsTheCarrierAndDropsBothDirections(t *testing.T) {
	p := newPair(t)
	serveEcho(t, p.right)
	awaitEcho(t, p.left, p.right) // and both know each other's hardware address
	check(t, p.left.Cut())
	if delivers(t, p.left, p.right, 200*time.Millisecond) {
		t.Error("a frame leaves through the cut cable")
	}
	if delivers(t, p.right, p.left, 200*time.Millisecond) {
		t.Error("a frame comes in through the cut cable")
	}
	if up, err := p.left.Carrier(); !up || err != nil {
		t.Errorf("carrier %t, %v", up, err)
	}
	check(t, p.left.Mend())
	for _, way := range [][2]*testbed.Host{{p.left, p.right}, {p.right, p.left}} {
		if !delivers(t, way[0], way[1], 5*time.Second) {
			t.Errorf("no frame from %s to %s after the cable was mended", way[0].Name(), way[1].Name())
		}
	}
}

// delivers sends one datagram one way and reports whether it arrives in time.
func delivers(t *testing.T, from, to *testbed.Host, patience time.Duration) bool {
	t.Helper()
	receiver, err := to.ListenPacket("udp4", ":9")
	check(t, err)
	defer receiver.Close()
	sender, err := from.Dial(t.Context(), "udp4", to.Address().String()+":9")
	check(t, err)
	defer sender.Close()
	_, err = sender.Write([]byte("x"))
	check(t, err)
	check(t, receiver.SetReadDeadline(time.Now().Add(patience)))
	_, _, err = receiver.ReadFrom(make([]byte, 16))
	return err == nil
}
