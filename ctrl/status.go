package ctrl

import (
	"cmp"
	"context"
	"slices"
	"time"

	"drover/ctrl/api"
	"drover/ctrl/health"
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
			Instances: c.instances(), VirtualServers: c.virtualServers(), Interfaces: c.interfaceStatus(), Findings: c.known.findings(),
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
	for _, p := range c.known.roster.pools {
		reals := c.realServers(p)
		for _, key := range p.services {
			service := p.describe(key)
			service.Active = c.isActive(key)
			service.RealServers = slices.Clone(reals)
			service.Quorum = api.Quorum{
				Up: p.quorum.up, Weight: p.quorum.weight, Required: p.config.Quorum, Hysteresis: p.config.Hysteresis,
			}
			service.SorryServer = c.sorryServer(p)
			list = append(list, service)
		}
	}
	return list
}

// isActive tells whether this node balances a service now: its VRRP instance is MASTER, or it has none.
func (c *Controller) isActive(key dataplane.ServiceKey) bool {
	instance, held := c.known.roster.holders[key.Address.Addr()]
	if !held {
		return true
	}
	r := c.candidates[instance]
	return r != nil && r.status().state == vrrp.Master
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

// realServers are those of a pool without its sorry server, in the order of its members.
func (c *Controller) realServers(p *pool) []api.RealServer {
	list := make([]api.RealServer, len(p.config.RealServers))
	for i := range list {
		list[i] = c.realServer(p, i)
	}
	return list
}

func (c *Controller) realServer(p *pool, i int) api.RealServer {
	m := &p.members[i]
	at := m.standing()
	r := api.RealServer{
		Address: m.config.Address.String(), Port: m.config.Port, Interface: m.place.ifname, Local: m.place.local,
		Weight: m.config.Weight, CheckedWeight: m.weight(),
		UpperThreshold: m.config.UpperThreshold, LowerThreshold: m.config.LowerThreshold,
		Up: at.state == dataplane.RealUp, Draining: m.weight() == 0, Reason: at.reason, Checks: c.checksOf(m),
		Suspected: m.rating.suspicion != "", Share: float64(p.share(i)) / wholeShare,
	}
	if len(r.Checks) > 0 {
		r.Check = &r.Checks[0]
	}
	if at.mac != (dataplane.MAC{}) {
		r.MAC = at.mac.String()
	}
	if r.Up {
		r.Reason = cmp.Or(m.rating.suspicion, c.known.claims.remedyFor(at.mac), at.reason)
	}
	return r
}

// sorryServer is nil without one.
func (c *Controller) sorryServer(p *pool) *api.SorryServer {
	if p.sorry < 0 {
		return nil
	}
	return &api.SorryServer{InUse: p.apologizes(), RealServer: c.realServer(p, p.sorry)}
}

func (c *Controller) checksOf(m *member) []api.Check {
	list := make([]api.Check, len(m.checks))
	for i, a := range m.checks {
		seen, next, runs := c.checkers.status(a.key)
		list[i] = api.Check{
			Kind: a.spec.question.Keyword(), Address: a.spec.address(), Path: a.spec.path(), Up: a.passes(), Resting: !runs,
			Done: seen.Checks, Failed: seen.Failures, Last: seen.LastCheck, LastError: seen.LastError, Next: next,
		}
		if a.spec.via != (via{}) {
			list[i].VIP = a.spec.via.vip.String()
		}
		if a.weight.Way != health.KeepWeight {
			list[i].Weight = &a.weight.Value
		}
		if a.sight.ruling == doubted {
			list[i].Unproven = &api.Unproven{Error: a.sight.through, Proven: a.sight.proven}
			list[i].OwnAddress = a.sight.insight.status()
		}
		if !a.passes() {
			list[i].Reason = cmp.Or(a.reason, "it has not passed yet")
			list[i].OwnAddress = a.beside().status()
		}
	}
	return list
}

// status is nil if nothing was asked.
func (i insight) status() *api.OwnAddress {
	if i.at.IsZero() {
		return nil
	}
	return &api.OwnAddress{At: i.at, Up: i.passes(), Error: i.reason, Cause: i.diagnosis.Cause, Cure: i.diagnosis.Cure}
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
