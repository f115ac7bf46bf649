package ctrl

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

func TestTheModeIsTheOneAskedForUnlessOnlyAnotherCanServe(t *testing.T) {
	const auto, native, generic = dataplane.ModeAuto, dataplane.ModeNative, dataplane.ModeGeneric
	for _, test := range []struct {
		asked dataplane.Mode
		can   netif.Modes
		want  dataplane.Mode // nothing for an error
	}{
		{auto, netif.AnyMode, auto}, {native, netif.AnyMode, native}, {generic, netif.AnyMode, generic},
		{auto, netif.GenericOnly, generic}, {generic, netif.GenericOnly, generic}, {native, netif.GenericOnly, ""},
		{auto, netif.NativeOnly, native}, {native, netif.NativeOnly, native}, {generic, netif.NativeOnly, ""},
	} {
		got, err := modeFor(test.asked, netif.Lower{Link: netif.LinkInfo{Name: "br0"}, Modes: test.can})
		if got != test.want || (err != nil) != (test.want == "") {
			t.Errorf("asked for %s of modes %d: %q, %v, want %q", test.asked, test.can, got, err, test.want)
		}
		if err != nil && !strings.Contains(err.Error(), "br0") {
			t.Errorf("the error does not name the interface: %v", err)
		}
	}
}

func TestWherePacketsAreMergedOnlyADriversProgramServes(t *testing.T) {
	const auto, native, generic = dataplane.ModeAuto, dataplane.ModeNative, dataplane.ModeGeneric
	merged := fmt.Errorf("enp1s0: %w", netif.ErrGRO)
	for mode, want := range map[dataplane.Mode]seat{
		auto: {mode: native, notGeneric: merged.Error()}, native: {mode: native}, generic: {},
	} {
		got, err := seat{mode: mode}.unmerged(merged)
		if got != want || errors.Is(err, netif.ErrGRO) != (mode == generic) {
			t.Errorf("in mode %s: %+v, %v, want %+v", mode, got, err, want)
		}
	}
}

func TestAProgramSitsOnTheNICsAndAnInterfaceThatHasNoneSaysWhy(t *testing.T) {
	cfg := tutorialConfig()
	for _, name := range []string{"enp2s0", "enp9s0"} {
		cfg.Instances[0].ExcludedAddresses = append(cfg.Instances[0].ExcludedAddresses,
			config.VirtualAddress{Prefix: prefixOf("192.168.100.222/24"), Interface: name})
	}
	k := allWell(cfg)
	slave := k.links["enp2s0"]
	slave.Master = 99
	k.links["enp2s0"] = slave
	k.findOutlets()
	identify(t, k)
	c := observed(k, vrrp.Master)
	c.mode = dataplane.ModeAuto
	seats := c.seats()
	want := seat{dataplane.Interface{
		Name: "enp1s0", Index: 2, MAC: dataplane.MAC{2, 0, 0, 0, 0, 1}, MTU: 1500, Port: 1,
	}, dataplane.ModeAuto, ""}
	if len(seats) != 1 || seats["enp1s0"] != want {
		t.Errorf("programs are to sit on %+v, want %+v", seats, want)
	}
	if err := c.refused["enp9s0"]; !errors.Is(err, netif.ErrNoInterface) {
		t.Errorf("enp9s0 is refused because of %v", err)
	}
	if err := c.refused["enp2s0"]; err == nil || !strings.Contains(err.Error(), "belongs to another interface") {
		t.Errorf("enp2s0 is refused because of %v", err)
	}
}

func TestAnInterfaceThatChangesIsSeatedAnew(t *testing.T) {
	k := allWell(tutorialConfig())
	identify(t, k)
	c := New(Options{Mode: dataplane.ModeAuto, Log: slog.New(slog.DiscardHandler)})
	c.known = *k
	before := c.seats()["enp1s0"]
	for what, change := range map[string]func(*netif.LinkInfo){
		"MTU":   func(l *netif.LinkInfo) { l.MTU = 9000 },
		"MAC":   func(l *netif.LinkInfo) { l.MAC = []byte{2, 0, 0, 0, 0, 9} },
		"index": func(l *netif.LinkInfo) { l.Index = 77 },
	} {
		c.known.links = lanLinks()
		link := c.known.links["enp1s0"]
		change(&link)
		c.known.links["enp1s0"] = link
		if !c.known.findOutlets() || c.seats()["enp1s0"] == before {
			t.Errorf("another %s makes no difference", what)
		}
	}
}
