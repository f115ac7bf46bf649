package ctrl

import (
	"cmp"
	"context"
	"slices"
	"time"

	"drover/ctrl/api"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

// Status tells how everything stands. The process of VRRP is asked first. Only the snapshot of what is known is taken on the controller's goroutine; the
// counters are read from the maps on the caller's.
func (c *Controller) Status(ctx context.Context) (api.Status, error) {
	var (
		s       api.Status
		counted []counted
		vrrp    *vrrpProcess
	)
	if err := c.ask(ctx, func() error { vrrp = c.vrrp; return nil }); err != nil {
		return api.Status{}, err
	}
	if err := vrrp.refresh(ctx); err != nil {
		return api.Status{}, err
	}
	err := c.ask(ctx, func() error {
		counted = c.known.roster.counted()
		s = api.Status{
			Instances: c.instances(), VirtualServers: c.virtualServers(), Interfaces: c.interfaceStatus(),
		}
		return nil
	})
	if err != nil {
		return api.Status{}, err
	}
	c.counting.RLock()
	defer c.counting.RUnlock()
	if c.running.Err() != nil {
		return api.Status{}, errStopping
	}
	return s, c.count(&s, counted)
}

// virtualServers lists the services, each member of a group for itself, in the order of roster.realKeys.
func (c *Controller) virtualServers() []api.VirtualServer {
	list := []api.VirtualServer{}
	masters := make(map[routerKey]bool)
	for key, r := range c.candidates {
		masters[key] = r.status().state == vrrp.Master
	}
	for _, p := range c.known.roster.pools {
		reals := c.realServers(p)
		for _, key := range p.services {
			service := p.describe(key)
			instance, held := c.known.roster.holders[key.Address.Addr()]
			service.Active = !held || masters[instance]
			service.RealServers = slices.Clone(reals)
			list = append(list, service)
		}
	}
	return list
}

func (p *pool) describe(key dataplane.ServiceKey) api.VirtualServer {
	v := p.config
	service := api.VirtualServer{
		Address: key.Address.Addr().String(), Port: key.Address.Port(), Protocol: key.Protocol.String(), Group: v.Group,
		Scheduler: v.Scheduler, Flags: []string{}, PersistenceTimeout: int(v.PersistenceTimeout / time.Second),
		PersistencePrefix: v.PersistencePrefix,
	}
	for _, flag := range []struct {
		name string
		set  bool
	}{{v.Scheduler + "-port", v.HashPorts}, {v.Scheduler + "-fallback", v.Fallback}, {"ops", v.OnePacket}} {
		if flag.set {
			service.Flags = append(service.Flags, flag.name)
		}
	}
	return service
}

func (c *Controller) realServers(p *pool) []api.RealServer {
	list := make([]api.RealServer, len(p.members))
	for i := range p.members {
		m := &p.members[i]
		at := m.standing()
		list[i] = api.RealServer{
			Address: m.config.Address.String(), Port: m.config.Port, Interface: m.place.ifname, Local: m.place.local,
			Weight: m.config.Weight, UpperThreshold: m.config.UpperThreshold, LowerThreshold: m.config.LowerThreshold,
			Up: at.state == dataplane.RealUp, Draining: m.config.Weight == 0, Reason: at.reason,
			Suspected: m.rating.suspicion != "", Share: float64(p.share(i)) / wholeShare,
		}
		if m.check != nil {
			list[i].Check = c.checkers.status(checkKey(p.config, m.config))
		}
		if at.mac != (dataplane.MAC{}) {
			list[i].MAC = at.mac.String()
		}
		if list[i].Up {
			list[i].Reason = cmp.Or(m.rating.suspicion, c.known.claims.remedyFor(at.mac), at.reason)
		}
	}
	return list
}

// interfaceStatus lists the interfaces in use. A VLAN has the program of the interface below it.
func (c *Controller) interfaceStatus() []api.Interface {
	list := []api.Interface{}
	for name, o := range c.known.outlets {
		i := api.Interface{Name: name, Reason: "no program was attached yet", ProbeReason: c.ways.problem(name)}
		if o.device() != name {
			i.Device = o.device()
		}
		a, tried := c.attached[o.device()]
		refused := cmp.Or(o.err, c.refused[name])
		switch {
		case refused != nil:
			i.Reason = refused.Error()
		case tried && a.err != nil:
			i.Reason = a.err.Error()
		case tried:
			i.XDPMode, i.ProgramID, i.Reason = string(a.attachment.Mode), a.attachment.ProgramID, ""
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b api.Interface) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
