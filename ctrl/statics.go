package ctrl

import (
	"errors"
	"slices"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// statics are the addresses, routes and rules that are there as long as the daemon runs, whatever the state of any
// instance (static_ipaddress, static_routes, static_rules).
type statics struct {
	addresses []config.VirtualAddress
	routes    []config.Route
	rules     []config.Rule
	// at are the indexes of the interfaces that the addresses were put on, by the addresses without their positions.
	at      map[config.VirtualAddress]int
	routing routing
}

func staticsOf(c *config.Config) statics {
	return statics{addresses: c.StaticAddresses, routes: c.StaticRoutes, rules: c.StaticRules}
}

// follow removes what the next ones do not have, and adds what is not there. It may be called again to repair.
func (s *statics) follow(next statics) error {
	if s.routing == nil {
		s.at, s.routing = make(map[config.VirtualAddress]int), make(routing)
	}
	gone := statics{
		addresses: lacking(s.addresses, next.addresses, sameAddress),
		routes:    lacking(s.routes, next.routes, sameRoute),
		rules:     lacking(s.rules, next.rules, sameRule),
		at:        s.at,
		routing:   s.routing,
	}
	err := gone.remove()
	next.at, next.routing = s.at, s.routing
	*s = next
	return errors.Join(err, s.add())
}

func sameAddress(a, b config.VirtualAddress) bool {
	a.Position = b.Position
	return a == b
}

func (s *statics) add() error {
	var errs []error
	for _, a := range s.addresses {
		a.Position = config.Position{}
		held, err := netif.AddAddress(a.Interface, addressOf(a))
		if before, was := s.at[a]; err == nil && was && before != held.Index { // another interface has the name now
			_, err = netif.RemoveAddressAt(before, a.Prefix)
		}
		if err == nil {
			s.at[a] = held.Index
		}
		errs = append(errs, err)
	}
	return errors.Join(append(errs, s.routing.add(s.routes, s.rules))...)
}

func (s *statics) remove() error {
	errs := []error{s.routing.remove(s.routes, s.rules)}
	for _, a := range slices.Backward(s.addresses) {
		a.Position = config.Position{}
		if index, added := s.at[a]; added { // else there was no such interface
			delete(s.at, a)
			_, err := netif.RemoveAddressAt(index, a.Prefix)
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
