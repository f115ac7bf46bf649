package ctrl

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/netif"
	"drover/dataplane"
)

// Examine looks at this host for `drover doctor`: at its kernel, at the interfaces that a configuration uses, at who else is
// there. cfg may be nil, and so may be status, which is that of the daemon on socket. What needs a capability that the process lacks is left
// out.
func Examine(cfg *config.Config, bpffs, socket string, status *api.Status) (*Examination, error) {
	e := &Examination{
		Config: cfg, BPFFS: bpffs, Status: status, Socket: socket, NICs: make(map[string]netif.NICFacts), Tagged: make(map[string]TaggedInterface),
		Stacked: make(map[string][]string), Addresses: make(map[string][]netip.Addr), Programs: make(map[uint32]string),
	}
	var err error
	if e.Host, err = netif.Host(bpffs, KernelOptions, ProcessNames); err != nil {
		return nil, err
	}
	links, err := allLinks()
	if err != nil {
		return nil, err
	}
	around := surroundings{links: links, addresses: make(map[string][]netip.Prefix), route: netif.InterfaceFor}
	for name := range links {
		held, err := netif.Addresses(name)
		if errors.Is(err, netif.ErrNoInterface) {
			continue // gone since
		}
		if err != nil {
			return nil, err
		}
		around.addresses[name] = held
		for _, a := range held {
			e.Addresses[name] = append(e.Addresses[name], a.Addr())
		}
	}
	for _, name := range interfacesOf(cfg, around, status) {
		if err := e.look(name, links); err != nil {
			return nil, err
		}
	}
	return e, nil
}

// allLinks are the interfaces of this host.
func allLinks() (map[string]netif.LinkInfo, error) {
	names, err := netif.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("list interfaces: %w", err)
	}
	links := make(map[string]netif.LinkInfo)
	for _, name := range names {
		link, err := netif.Link(name)
		if errors.Is(err, netif.ErrNoInterface) {
			continue // gone since
		}
		if err != nil {
			return nil, err
		}
		links[name] = link
	}
	return links, nil
}

// interfacesOf are those that a configuration uses, and those that the daemon does. Real servers whose place cannot be found
// have none; the daemon refuses them with the reason.
func interfacesOf(cfg *config.Config, around surroundings, status *api.Status) []string {
	var names []string
	if cfg != nil {
		for _, i := range cfg.Instances {
			names = append(names, i.Interface)
			for _, a := range virtualAddresses(i) {
				if !a.OnVMAC {
					names = append(names, a.Interface)
				}
			}
		}
		places, err := placesOf(cfg, around)
		if err != nil {
			places = nil
		}
		for _, at := range places {
			names = append(names, at.arrivals...)
			for _, r := range at.reals {
				if !r.local {
					names = append(names, r.ifname)
				}
			}
		}
	}
	if status != nil {
		for _, i := range status.Interfaces {
			names = append(names, i.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// look gathers the facts of an interface and of what is below it.
func (e *Examination) look(name string, links map[string]netif.LinkInfo) error {
	if _, there := links[name]; !there {
		e.Missing = append(e.Missing, name)
		return nil
	}
	names := []string{name}
	if lower, err := netif.LowerOf(name, links); err == nil {
		names = append(names, lower.Link.Name)
		var ports []string
		for _, port := range lower.Ports {
			ports = append(ports, port.Name)
		}
		names = append(names, ports...)
		if lower.Modes == netif.GenericOnly {
			for _, nic := range lower.Below {
				e.Stacked[name] = append(e.Stacked[name], nic.Name)
			}
			names = append(names, e.Stacked[name]...)
		}
		if len(lower.Tags) > 0 {
			tagged := TaggedInterface{Ports: ports, Feature: netif.FeatureVLANOffload}
			if lower.Tags[0].Protocol == netif.Dot1AD {
				tagged.Feature = netif.FeatureSTagOffload
			}
			e.Tagged[name] = tagged
		}
	}
	for _, one := range names {
		if _, known := e.NICs[one]; known {
			continue
		}
		nic, err := netif.NIC(one)
		if errors.Is(err, netif.ErrNoInterface) {
			continue // gone since
		}
		if err != nil {
			return err
		}
		e.NICs[one] = nic
		if nic.XDPProgram == 0 {
			continue
		}
		if program, err := dataplane.ProgramName(nic.XDPProgram); err == nil { // or this process may not know
			e.Programs[nic.XDPProgram] = program
		}
	}
	return nil
}
