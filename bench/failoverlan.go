package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sync/errgroup"

	"drover/bench/testbed"
)

// failoverReal is the address of the only real server.
func failoverReal() netip.Addr { return IPv4.realServer(1).Addr() }

// Priorities of the nodes.
const (
	betterPriority = 12
	secondPriority = 11
)

// failoverLAN is the LAN of one repetition: a pair of balancers, a real server that answers echoes, and the client.
type failoverLAN struct {
	adverts
	lab            *testbed.Lab
	better, second *node
	client         *failoverClient
	calm           share // the processors of what measures
}

// onLAN lays the LAN, starts both daemons, and runs do while the client asks.
func onLAN(
	ctx context.Context, a adverts, p pair, drover string, do func(context.Context, *failoverLAN) error,
) (err error) {
	lab, err := testbed.New(testbed.Options{Name: "failover"})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lab.Close()) }()
	first, second, err := shares()
	if err != nil {
		return err
	}
	lan := &failoverLAN{adverts: a, lab: lab, client: newFailoverClient(), calm: second}
	lan.better, err = lan.addNode("better", betterPriority, p.better, first, drover)
	if err != nil {
		return err
	}
	lan.second, err = lan.addNode("second", secondPriority, p.second, second, drover)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lan.turnOff()) }() // before the context of the daemons kills them
	return lan.serve(ctx, do)
}

// serve runs do while the daemons, the client and all that answers it run.
func (lan *failoverLAN) serve(ctx context.Context, do func(context.Context, *failoverLAN) error) error {
	web, err := lan.lab.AddHost(testbed.RealServer("web", testbed.MAC{}, lanPrefix(failoverReal()), echoAddress().Addr()))
	if err != nil {
		return err
	}
	host, err := lan.lab.AddHost(testbed.HostSpec{
		Name: "client", Addresses: []netip.Prefix{lanPrefix(netip.MustParseAddr("192.0.2.4"))},
	})
	if err != nil {
		return err
	}
	answering := []*testbed.Host{web}
	for _, n := range lan.nodes() {
		// IPVS would send the echo on to the real server. It is not in every kernel, so the node answers itself.
		if n.kind == keepalivedDaemon {
			answering = append(answering, n.host)
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	running, within := errgroup.WithContext(ctx)
	running.Go(func() error { return serveEchoes(within, answering, lan.calm) })
	running.Go(func() error { return lan.client.run(within, host, lan.calm) })
	running.Go(func() error {
		defer cancel()
		if err := errors.Join(lan.better.start(within), lan.second.start(within)); err != nil {
			return err
		}
		return do(within, lan)
	})
	return running.Wait()
}

func (lan *failoverLAN) nodes() []*node { return []*node{lan.better, lan.second} }

// addNode boots a balancer.
func (lan *failoverLAN) addNode(name string, priority int, kind daemonKind, on share, drover string) (*node, error) {
	address := netip.AddrFrom4([4]byte{192, 0, 2, byte(priority)})
	host, err := lan.lab.AddHost(testbed.HostSpec{
		Name: name, Interface: balancerInterface, Addresses: []netip.Prefix{lanPrefix(address)},
		Files: map[string]string{failoverConfig: lan.config(priority)},
	})
	if err != nil {
		return nil, err
	}
	return &node{host: host, kind: kind, processors: on, args: on.restrict(kind.command(drover))}, nil
}

func lanPrefix(address netip.Addr) netip.Prefix {
	const bits = 24
	return netip.PrefixFrom(address, bits)
}

// turnOff ends both nodes with all that runs there.
func (lan *failoverLAN) turnOff() error {
	return errors.Join(lan.better.host.PowerOff(), lan.second.host.PowerOff())
}

// logs are what the daemons wrote last.
func (lan *failoverLAN) logs() string {
	var text string
	for _, n := range lan.nodes() {
		text += fmt.Sprintf("\n%s, %s:\n%s", n.host.Name(), n.kind, &n.log)
	}
	return text
}
