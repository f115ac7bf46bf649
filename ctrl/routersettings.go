package ctrl

import (
	"fmt"
	"net"
	"net/netip"

	"drover/ctrl/config"
	"drover/ctrl/vrrp"
)

// settingsOf are an instance's, in the terms of the election. Without a source the unspecified address stands for it: a
// machine that has no place to speak from is there, too, and has a fault.
func settingsOf(i config.Instance, source netip.Addr) vrrp.Settings {
	if !source.IsValid() {
		source = netip.IPv4Unspecified()
		if i.IPv6() {
			source = netip.IPv6Unspecified()
		}
	}
	s := vrrp.Settings{
		Name: i.Name, Version: i.Version, VirtualRouterID: i.VirtualRouterID, Priority: i.Priority,
		AdvertInterval: i.AdvertInterval, ChecksumAsV2: i.ChecksumAsV2, SourceAddress: source,
		CheckUnicastSource: i.CheckUnicastSource, StartState: vrrp.Backup, StartupDelay: i.StartupDelay,
		Preempt: i.Preempt, PreemptDelay: i.PreemptDelay,
		GARP: vrrp.GARP{
			MasterRepeat: i.GARP.MasterRepeat, MasterDelay: i.GARP.MasterDelay,
			MasterRefresh: i.GARP.MasterRefresh, MasterRefreshRepeat: i.GARP.MasterRefreshRepeat,
			LowerPrioDelay: i.GARP.LowerPrioDelay, LowerPrioRepeat: i.GARP.LowerPrioRepeat,
		},
		LowerPrioNoAdvert: i.LowerPrioNoAdvert, HigherPrioSendAdvert: i.HigherPrioSendAdvert,
		OwnerIgnoresAdverts: i.OwnerIgnoresAdverts,
		DownTimerAdverts:    i.DownTimerAdverts, SkipCheckAdvAddr: i.SkipCheckAdvAddr,
	}
	if i.AuthType == config.AuthPass {
		s.AuthType, s.Password = vrrp.AuthPass, i.AuthPass
	}
	if i.State == config.Master {
		s.StartState = vrrp.Master
	}
	for _, a := range i.Addresses {
		s.Addresses = append(s.Addresses, a.Prefix.Addr())
	}
	for _, a := range i.ExcludedAddresses {
		s.ExcludedAddresses = append(s.ExcludedAddresses, a.Prefix.Addr())
	}
	for _, p := range i.Unicast {
		s.Peers = append(s.Peers, vrrp.Peer{Address: p.Address, MinTTL: p.MinTTL, MaxTTL: p.MaxTTL})
	}
	return s
}

// validVMACs refuses virtual servers at a virtual MAC that the XDP program does not know: it knows those of the RFC.
func validVMACs(c *config.Config) error {
	held := holders(c)
	served := make(map[routerKey]bool)
	for n := range c.VirtualServers {
		for _, e := range c.VirtualServers[n].Endpoints() {
			if key, is := held[e.Addr()]; is {
				served[key] = true
			}
		}
	}
	for _, i := range c.Instances {
		if i.VMAC == nil || !served[keyOfInstance(i)] {
			continue
		}
		if want := virtualMAC(keyOfInstance(i)); i.VMAC.Address.String() != want.String() {
			return fmt.Errorf("%s: virtual servers of %s cannot be balanced at the MAC address %s: leave it out after use_vmac, "+
				"then it is %s", i.VMAC.Position, i.Name, i.VMAC.Address, want)
		}
	}
	return nil
}

// virtualMAC is that of a virtual router (RFC 9568 section 7.3).
func virtualMAC(key routerKey) net.HardwareAddr {
	family := byte(1)
	if key.ipv6 {
		family = 2
	}
	return net.HardwareAddr{0, 0, 0x5e, 0, family, key.vrid}
}

// validInstances tries whether every instance can take part in an election.
func validInstances(c *config.Config) error {
	for _, i := range c.Instances {
		if err := settingsOf(i, i.SourceAddress).Validate(); err != nil {
			return err
		}
	}
	return nil
}
