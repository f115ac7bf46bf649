package ctrl

import (
	"errors"
	"fmt"
	"time"

	"drover/ctrl/config"
	"drover/dataplane"
)

// SizesFor are the sizes of the tables that a configuration needs. The table of IPv6 connections is as large as that of
// IPv4 if there are any.
func SizesFor(c *config.Config) dataplane.Sizes {
	sizes := dataplane.Sizes{
		Flows: c.Drover.Flows, Flows6: 1, Reals: max(leastReals, 2*countReals(c)),
		Schedules: max(leastSchedules, 2*countEntries(c)),
	}
	for n := range c.VirtualServers {
		if c.VirtualServers[n].Endpoints()[0].Addr().Is6() {
			sizes.Flows6 = sizes.Flows
		}
	}
	return sizes
}

// leastReals and leastSchedules are the room that a small configuration has to grow.
const (
	leastReals     = 16384
	leastSchedules = 1 << 20
)

// countReals counts the real servers of all services, sorry servers among them.
func countReals(c *config.Config) int {
	n := 0
	for i := range c.VirtualServers {
		members, _ := membersOf(&c.VirtualServers[i])
		n += len(c.VirtualServers[i].Endpoints()) * len(members)
	}
	return n
}

// countEntries counts the entries of the schedules of all services, in the lines that they take.
func countEntries(c *config.Config) int {
	n := 0
	for i := range c.VirtualServers {
		v := &c.VirtualServers[i]
		n += len(v.Endpoints()) * (mostEntries(v) + dataplane.EntriesPerLine)
	}
	return n
}

// TimeoutsFor are the timeouts of connections that a configuration asks for.
func TimeoutsFor(c *config.Config) dataplane.Timeouts {
	return dataplane.Timeouts{Established: c.LVSTimeouts.TCP, Closing: c.LVSTimeouts.TCPFin, UDP: c.LVSTimeouts.UDP}
}

// restFor is how long the id of a real server must rest: longer than anything remembers it.
func restFor(c *config.Config) time.Duration {
	longest := max(29*time.Minute, c.LVSTimeouts.TCP, c.LVSTimeouts.TCPFin, c.LVSTimeouts.UDP)
	for n := range c.VirtualServers {
		longest = max(longest, c.VirtualServers[n].PersistenceTimeout)
	}
	return longest + time.Minute
}

// fits refuses a configuration that the tables cannot hold. Every error says where.
func fits(c *config.Config) error {
	var errs []error
	services, held := 0, len(holders(c))
	for n := range c.VirtualServers {
		v := &c.VirtualServers[n]
		services += len(v.Endpoints())
		members, _ := membersOf(v)
		if most := mostMembers(v.Scheduler); len(members) > most {
			errs = append(errs, fmt.Errorf("%s: the virtual server has %d real servers, and lb_algo %s can choose among %d: "+
				"divide it into several", v.Position, len(members), v.Scheduler, most))
		}
	}
	if most := dataplane.MaxGates - 1; len(c.Instances) > most {
		errs = append(errs, fmt.Errorf("%d VRRP instances, of at most %d", len(c.Instances), most))
	}
	if services > dataplane.MaxServices {
		errs = append(errs, fmt.Errorf("%d virtual servers, those of groups each counted, of at most %d",
			services, dataplane.MaxServices))
	}
	if most := dataplane.MaxVIPs - dataplane.MaxServices; held > most {
		errs = append(errs, fmt.Errorf("%d addresses of VRRP instances, of at most %d", held, most))
	}
	if reals := countReals(c); reals > dataplane.MaxReals/2 {
		errs = append(errs, fmt.Errorf("%d real servers, each counted for every virtual server that it is in, of at most %d",
			reals, dataplane.MaxReals/2))
	}
	return errors.Join(errs...)
}

func mostMembers(scheduler string) int {
	if schedulers[scheduler] >= dataplane.LeastConnections {
		return dataplane.MaxSearched
	}
	return dataplane.MaxSchedule
}
