package ctrl

import (
	"drover/ctrl/api"
	"drover/dataplane"
)

// counted is a service whose real servers have ids: what the maps count by.
type counted struct {
	service dataplane.ServiceKey
	ids     []dataplane.RealID
	leaving []dataplane.RealID // of those that have left it, and may still have connections
}

// counted are the services in the order of Controller.virtualServers; none before they have ids.
func (r *roster) counted() []counted {
	var list []counted
	for _, p := range r.pools {
		for s, key := range p.services {
			if r.numbered {
				list = append(list, counted{key, p.idsOf(s), r.leaving[key]})
			}
		}
	}
	return list
}

// count fills in what the maps count.
func (c *Controller) count(s *api.Status, services []counted) error {
	for i, counted := range services {
		if err := c.countService(&s.VirtualServers[i], counted); err != nil {
			return err
		}
	}
	if err := c.countFlows(&s.Flows); err != nil {
		return err
	}
	return c.countVerdicts(s)
}

func (c *Controller) countService(s *api.VirtualServer, of counted) error {
	sum, err := c.data.ServiceTraffic(of.service, of.leaving) // of those that have left it; the others are added up here
	if err != nil {
		return err
	}
	s.Packets, s.Bytes, s.Connections = sum.Packets, sum.Bytes, sum.Connections
	for i, id := range of.ids {
		traffic, err := c.data.RealTraffic(id)
		if err != nil {
			return err
		}
		load, err := c.data.Load(id)
		if err != nil {
			return err
		}
		real := s.Member(i)
		real.Packets, real.Bytes, real.Connections = traffic.Packets, traffic.Bytes, traffic.Connections
		real.ActiveConnections, real.InactiveConnections, real.Overloaded = load.Active, load.Inactive, load.Overloaded
		s.Packets += traffic.Packets
		s.Bytes += traffic.Bytes
		s.Connections += traffic.Connections
	}
	return nil
}

// countFlows tells what the last sweep has found.
func (c *Controller) countFlows(f *api.Flows) error {
	found := c.sweeper.found()
	f.IPv4, f.IPv6 = flowTable(found.IPv4), flowTable(found.IPv6)
	f.Live, f.Capacity = f.IPv4.Live+f.IPv6.Live, f.IPv4.Capacity+f.IPv6.Capacity
	displaced, err := c.data.Displaced()
	f.Displaced = make(map[string]uint64)
	for state, n := range displaced {
		f.Displaced[state.String()] = n
	}
	return err
}

func flowTable(t dataplane.FlowTable) api.FlowTable {
	table := api.FlowTable{Capacity: t.Capacity, Slots: t.Slots, Live: t.Live(), States: make(map[string]int)}
	for state, n := range t.Flows {
		table.States[state.String()] = n
	}
	return table
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
