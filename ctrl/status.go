package ctrl

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/vrrp"
	"drover/dataplane"
)

// Status tells how everything stands. Only the snapshot of what is known is taken on the controller's goroutine; the
// counters are read from the maps on the caller's.
func (c *Controller) Status(ctx context.Context) (api.Status, error) {
	var (
		s   api.Status
		ids map[realKey]dataplane.RealID
		cfg *config.Config
	)
	err := c.ask(ctx, func() error {
		cfg, ids = c.known.config, maps.Clone(c.ids.reals)
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
	err = c.count(&s, cfg, ids)
	return s, err
}

func (c *Controller) instances() []api.Instance {
	list := []api.Instance{}
	for _, i := range c.known.config.Instances {
		r := c.routers[keyOfInstance(i)].status()
		instance := api.Instance{
			Name: i.Name, Interface: i.Interface, VirtualRouterID: i.VirtualRouterID, Version: i.Version,
			State: r.state.String(), Priority: i.Priority, Addresses: []string{}, Since: r.since, Reason: r.reason,
			AdvertsSent: r.sent, AdvertsReceived: r.received, Dropped: make(map[string]uint64),
		}
		for _, a := range virtualAddresses(i) {
			instance.Addresses = append(instance.Addresses, a.Prefix.String())
		}
		for reason, n := range r.dropped {
			instance.Dropped[string(reason)] = n
		}
		list = append(list, instance)
	}
	return list
}

func (c *Controller) virtualServers() []api.VirtualServer {
	list := []api.VirtualServer{}
	for _, v := range c.known.config.VirtualServers {
		service := api.VirtualServer{
			Address: v.Address.String(), Port: v.Port, Protocol: keyOfService(v).Protocol.String(), Scheduler: v.Scheduler,
			Active: true, RealServers: []api.RealServer{},
		}
		if key, held := holder(c.known.config, v.Address); held {
			service.Active = c.routers[key].status().state == vrrp.Master
		}
		for _, r := range v.RealServers {
			standing := c.known.standing(v, r)
			service.RealServers = append(service.RealServers, api.RealServer{
				Address: r.Address.String(), Port: r.Port, Weight: r.Weight, Up: standing.state == dataplane.RealUp,
				Draining: r.Weight == 0, MAC: standing.mac.String(), Reason: standing.reason,
				Check: c.checkers.status(keyOfReal(v, r)),
			})
		}
		list = append(list, service)
	}
	return list
}

func (c *Controller) interfaceStatus() []api.Interface {
	list := []api.Interface{}
	for name := range c.interfaces() {
		i := api.Interface{Name: name, Reason: "the interface is not there"}
		if a, tried := c.attached[name]; tried {
			i.XDPMode, i.ProgramID, i.Reason = string(a.attachment.Mode), a.attachment.ProgramID, ""
			if a.err != nil {
				i.Reason = a.err.Error()
			}
		}
		list = append(list, i)
	}
	slices.SortFunc(list, func(a, b api.Interface) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// count fills in what the maps count.
func (c *Controller) count(s *api.Status, cfg *config.Config, ids map[realKey]dataplane.RealID) error {
	flows, err := c.data.Flows()
	if err != nil {
		return err
	}
	s.Flows.Capacity = c.data.FlowCapacity()
	for _, n := range flows {
		s.Flows.Live += n.Active + n.Inactive
	}
	for vi, v := range cfg.VirtualServers {
		service := &s.VirtualServers[vi]
		total, err := c.data.ServiceTraffic(keyOfService(v))
		if err != nil {
			return err
		}
		service.Packets, service.Bytes, service.Connections = total.Packets, total.Bytes, total.Connections
		for ri, r := range v.RealServers {
			id := ids[keyOfReal(v, r)]
			traffic, err := c.data.RealTraffic(id)
			if err != nil {
				return err
			}
			real := &service.RealServers[ri]
			real.Packets, real.Bytes, real.Connections = traffic.Packets, traffic.Bytes, traffic.Connections
			real.ActiveConnections, real.InactiveConnections = flows[id].Active, flows[id].Inactive
		}
	}
	return c.countVerdicts(s)
}

func (c *Controller) countVerdicts(s *api.Status) error {
	verdicts, err := c.data.Verdicts()
	if err != nil {
		return err
	}
	s.Verdicts = make(map[string]uint64)
	for v, n := range verdicts {
		if n > 0 {
			s.Verdicts[v.String()] = n
		}
	}
	return nil
}
