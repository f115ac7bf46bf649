package ipvs

import (
	"errors"
	"log/slog"
	"time"

	"drover/dataplane"
)

// openDrover puts Drover on the far end of the cable, as its daemon does.
func openDrover(c cable, flows int) (balancer, error) {
	plane, err := dataplane.Open(dataplane.Options{
		Sizes: dataplane.Sizes{Flows: flows, Flows6: 1, Reals: len(realServers())},
		Log:   slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return balancer{}, err
	}
	if err := startDrover(plane, c); err != nil {
		return balancer{}, errors.Join(err, plane.Remove())
	}
	return balancer{
		connections: func() (uint64, error) {
			service, err := plane.ServiceTraffic(droverService(), droverReals())
			return service.Connections, err
		},
		close: plane.Remove,
	}, nil
}

func startDrover(plane *dataplane.DataPlane, c cable) error {
	const (
		gate  = dataplane.GateID(1) // of a VRRP instance, as services have one as a rule
		lease = time.Hour           // longer than any run
	)
	tables := dataplane.NewTables()
	for i, id := range droverReals() {
		server := realServers()[i]
		tables.Reals.Set(id, dataplane.Real{
			Service: droverService(), Address: server.address, MAC: dataplane.MAC(server.mac),
			State: dataplane.RealUp, Weight: 1,
		})
	}
	tables.Services[droverService()] = dataplane.Service{Gate: gate, Schedule: droverReals()}
	tables.VIPs[virtualServer().Addr()] = dataplane.VIP{Gate: gate}
	tables.Gates[gate] = dataplane.GateName{Interface: c.farIndex, VirtualRouterID: 1}
	if err := plane.Apply(tables); err != nil {
		return err
	}
	if err := plane.OpenGate(gate, lease, 0); err != nil {
		return err
	}
	_, err := plane.Attach(dataplane.Interface{
		Name: c.far, Index: c.farIndex, MAC: dataplane.MAC(balancerMAC()), MTU: ethernetMTU,
	}, dataplane.ModeNative)
	return err
}

func droverService() dataplane.ServiceKey {
	return dataplane.ServiceKey{Address: virtualServer(), Protocol: dataplane.ProtocolTCP}
}

// droverReals are the ids of the real servers.
func droverReals() []dataplane.RealID {
	ids := make([]dataplane.RealID, len(realServers()))
	for i := range ids {
		ids[i] = dataplane.RealID(i + 1)
	}
	return ids
}
