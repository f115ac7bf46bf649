package ctrl

import (
	"time"

	"drover/ctrl/api"
	"drover/ctrl/config"
	"drover/ctrl/track"
)

func (c *Controller) instances() []api.Instance {
	list := []api.Instance{}
	for _, i := range c.known.config.Instances {
		list = append(list, c.instance(i))
	}
	return list
}

func (c *Controller) instance(i config.Instance) api.Instance {
	r := c.candidates[keyOfInstance(i)].status()
	instance := api.Instance{
		Name: i.Name, Interface: i.Interface, VirtualRouterID: i.VirtualRouterID, Version: i.Version,
		State: r.state.String(), PreviousState: r.before.String(), Priority: r.priority, BasePriority: i.Priority,
		Addresses: []string{}, Since: r.since, Reason: r.reason, Rivals: r.rivals.list(time.Now()), Tracked: []api.Tracked{},
		Claims:      c.known.claims.on(i),
		AdvertsSent: r.sent, AdvertsReceived: r.received, Dropped: make(map[string]uint64), Lateness: r.late.status(),
	}
	if g := c.known.roster.groups[i.Name]; g != nil {
		instance.SyncGroup = g.Name
	}
	if r.master.IsValid() {
		instance.Master = r.master.String()
	}
	if i.VMAC != nil {
		instance.VirtualMAC = &api.VirtualMAC{Interface: i.VMAC.Name, MAC: i.VMAC.Address.String()}
	}
	for _, e := range c.known.tracked(i) {
		instance.Tracked = append(instance.Tracked, trackedStatus(e))
	}
	for _, a := range virtualAddresses(i) {
		instance.Addresses = append(instance.Addresses, a.Prefix.String())
	}
	for reason, n := range r.dropped {
		instance.Dropped[string(reason)] = n
	}
	return instance
}

func trackedStatus(e track.Entry) api.Tracked {
	return api.Tracked{
		Kind: e.Kind.String(), Name: e.Name, State: e.State.String(), Value: e.Value, Weight: e.Weight, Reverse: e.Reverse,
		Reason: e.Reason,
	}
}

func (l *lateness) status() api.Lateness {
	status := api.Lateness{Over: l.counts[len(latenessBounds)], WorstUS: l.worst.Microseconds()}
	for class, bound := range latenessBounds {
		status.Classes = append(status.Classes, api.LatenessClass{UpToUS: bound.Microseconds(), Count: l.counts[class]})
	}
	return status
}
