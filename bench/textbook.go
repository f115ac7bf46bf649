package main

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/cilium/ebpf"

	"drover/bench/yardstick"
)

// textbookBalancer is the textbook program and its tables.
type textbookBalancer struct{ yardstick.TextbookObjects }

// textbookKnows tells whether the program balances packets of the family.
func textbookKnows(family Family) bool { return family != IPv6 }

// openTextbook gives the table some room above the connections: an LRU hash begins to evict shortly before it is full.
func openTextbook(family Family, flows int) ([]*contestant, error) {
	spec, err := yardstick.LoadTextbook()
	if err != nil {
		return nil, fmt.Errorf("textbook: %w", err)
	}
	spec.Maps[yardstick.TextbookMapConnections].MaxEntries = uint32(flows + flows/8 + 1024)
	mac := map[string]any{yardstick.TextbookVarInterfaceMac: [6]byte(balancerMAC())}
	if err := setVariables(spec, mac); err != nil {
		return nil, fmt.Errorf("textbook: %w", err)
	}
	var b textbookBalancer
	if err := spec.LoadAndAssign(&b.TextbookObjects, nil); err != nil {
		return nil, fmt.Errorf("textbook: load: %w", err)
	}
	if err := b.fill(family.virtualServer()); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return []*contestant{
		{name: "textbook", family: family, program: b.XdpTextbook, count: b.count, close: b.Close},
	}, nil
}

// fill writes one virtual server, with id 0, and its real servers.
func (b *textbookBalancer) fill(server netip.AddrPort) error {
	var service yardstick.TextbookService
	for i, mac := range realMACs() {
		if err := b.Reals.Put(uint32(i), yardstick.TextbookReal{Mac: [6]byte(mac)}); err != nil {
			return fmt.Errorf("write real server %d: %w", i, err)
		}
		service.Real[i] = uint32(i)
		service.Reals++
	}
	key := yardstick.TextbookServiceKey{
		Vip: rawAddress(server.Addr()), Port: rawPort(server.Port()), Protocol: ipTCP,
	}
	if err := b.Services.Put(key, service); err != nil {
		return fmt.Errorf("write the service: %w", err)
	}
	return nil
}

func (b *textbookBalancer) count() (tally, error) {
	var (
		t    tally
		errs []error
	)
	for outcome, counter := range map[yardstick.TextbookOutcome]*uint64{
		yardstick.TextbookOutcomeKEPT:      &t.kept,
		yardstick.TextbookOutcomePLACED:    &t.placed,
		yardstick.TextbookOutcomeUNTRACKED: &t.untracked,
	} {
		var perCPU []uint64
		errs = append(errs, b.Outcomes.Lookup(uint32(outcome), &perCPU))
		for _, n := range perCPU {
			*counter += n
		}
	}
	service, err := sumTraffic(b.ServiceTraffic, 0)
	t.service = service
	errs = append(errs, err)
	for i := range realMACs() {
		real, err := sumTraffic(b.RealTraffic, uint32(i))
		t.reals = t.reals.plus(real)
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return tally{}, fmt.Errorf("read the counters: %w", err)
	}
	return t, nil
}

func sumTraffic(m *ebpf.Map, id uint32) (sum traffic, err error) {
	var perCPU []yardstick.TextbookTraffic
	if err := m.Lookup(id, &perCPU); err != nil {
		return traffic{}, err
	}
	for _, one := range perCPU {
		sum = sum.plus(traffic{one.Packets, one.Bytes, one.Connections})
	}
	return sum, nil
}
