package ctrl

import (
	"drover/ctrl/config"
	"drover/dataplane"
)

// plan says what the tables must hold, given what is known and who has which id. It is pure.
func plan(k *known, ids *identities) dataplane.Tables {
	want := dataplane.NewTables()
	for _, i := range k.config.Instances {
		gate := ids.gates[keyOfInstance(i)]
		want.Gates[gate] = k.gateName(keyOfInstance(i))
		for _, a := range virtualAddresses(i) {
			if a.Prefix.Addr().Is4() {
				want.VIPs[a.Prefix.Addr()] = gate
			}
		}
	}
	for key := range k.leaving {
		want.Gates[ids.gates[key]] = k.gateName(key)
	}
	for _, v := range k.config.VirtualServers {
		planService(k, ids, v, want)
	}
	return want
}

func (k *known) gateName(key routerKey) dataplane.GateName {
	return dataplane.GateName{Interface: k.links[key.ifname].Index, VirtualRouterID: key.vrid}
}

func planService(k *known, ids *identities, v config.VirtualServer, want dataplane.Tables) {
	key := keyOfService(v)
	service := dataplane.Service{Gate: dataplane.AlwaysOpen}
	if instance, held := holder(k.config, v.Address); held {
		service.Gate = ids.gates[instance]
	}
	var shares []share
	for _, r := range v.RealServers {
		id, standing := ids.reals[keyOfReal(v, r)], k.standing(v, r)
		want.Reals[id] = dataplane.Real{
			Service: key, Address: keyOfReal(v, r).address, MAC: standing.mac, State: standing.state,
		}
		if standing.state == dataplane.RealUp {
			shares = append(shares, share{id, effectiveWeight(v, r)})
		}
	}
	service.Schedule = interleave(shares)
	want.Services[key] = service
}

// effectiveWeight is a real server's share of new connections. As in IPVS, rr knows only 0 and not 0.
func effectiveWeight(v config.VirtualServer, r config.RealServer) int {
	if v.Scheduler == "rr" {
		return min(r.Weight, 1)
	}
	return r.Weight
}

// wanted lists everything that needs an id.
func (k *known) wanted() (gates []routerKey, reals []realKey) {
	for _, i := range k.config.Instances {
		gates = append(gates, keyOfInstance(i))
	}
	for key := range k.leaving {
		gates = append(gates, key)
	}
	for _, v := range k.config.VirtualServers {
		for _, r := range v.RealServers {
			reals = append(reals, keyOfReal(v, r))
		}
	}
	return gates, reals
}
