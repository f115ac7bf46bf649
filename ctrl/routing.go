package ctrl

import (
	"errors"
	"slices"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// rule adds the routes and rules of a MASTER, or removes them.
func (g *ground) rule(master bool) {
	change := g.routing.remove
	if master {
		change = g.routing.add
	}
	err := change(g.instance.Routes, g.instance.Rules)
	if err != nil {
		g.complain("routing", "not all virtual routes and rules could be changed", err)
	}
	g.rules, g.unrouted = master, master && err != nil
}

// reroute puts back the routes of a MASTER that the kernel has taken away with an address or a link.
func (g *ground) reroute() {
	if g.rules && len(g.instance.Routes) > 0 {
		g.rule(true)
	}
}

// changeRouting follows a reload.
func (g *ground) changeRouting(old config.Instance) {
	if !g.rules {
		return
	}
	gone := g.routing.remove(lacking(old.Routes, g.instance.Routes, sameRoute), lacking(old.Rules, g.instance.Rules, sameRule))
	if gone != nil {
		g.complain("routing", "not all virtual routes and rules could be removed", gone)
	}
	g.rule(true)
}

// lacking are those of a list that another one has not.
func lacking[T any](of, other []T, same func(a, b T) bool) []T {
	return slices.DeleteFunc(slices.Clone(of), func(t T) bool {
		return slices.ContainsFunc(other, func(o T) bool { return same(t, o) })
	})
}

func sameRoute(a, b config.Route) bool {
	a.Position = b.Position
	return a == b
}

func sameRule(a, b config.Rule) bool {
	a.Position = b.Position
	return a == b
}

// routing knows where routes were put: by the routes, without their positions, the indexes of their interfaces.
type routing map[config.Route]int

// add adds the routes and rules that are not there.
func (r routing) add(routes []config.Route, rules []config.Rule) error {
	var errs []error
	for _, route := range routes {
		held, err := netif.AddRoute(routeOf(route))
		errs = append(errs, err)
		if err == nil {
			route.Position = config.Position{}
			r[route] = held.Index
		}
	}
	for _, rule := range rules {
		_, err := netif.AddRule(ruleOf(rule))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// remove removes them in the opposite order; a route that was not added here, as it is configured.
func (r routing) remove(routes []config.Route, rules []config.Rule) error {
	var errs []error
	for _, rule := range slices.Backward(rules) {
		_, err := netif.RemoveRule(ruleOf(rule))
		errs = append(errs, err)
	}
	for _, route := range slices.Backward(routes) {
		route.Position = config.Position{}
		index, added := r[route]
		delete(r, route)
		var err error
		if added {
			_, err = netif.RemoveRouteAt(index, routeOf(route))
		} else {
			_, err = netif.RemoveRoute(routeOf(route))
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// routeTypes and ruleActions are keepalived.conf's words.
var (
	routeTypes = map[string]netif.RouteType{
		"unicast": netif.RouteUnicast, "blackhole": netif.RouteBlackhole, "unreachable": netif.RouteUnreachable,
		"prohibit": netif.RouteProhibit, "throw": netif.RouteThrow,
	}
	ruleActions = map[string]netif.RuleAction{
		"table": netif.RuleTable, "blackhole": netif.RuleBlackhole, "unreachable": netif.RuleUnreachable,
		"prohibit": netif.RuleProhibit,
	}
)

func routeOf(r config.Route) netif.Route {
	return netif.Route{
		Destination: r.Destination, Type: routeTypes[r.Type], Via: r.Via, OnLink: r.OnLink, Interface: r.Interface,
		Source: r.Source, Metric: r.Metric, Table: r.Table, Scope: netif.Scope(r.Scope), Protocol: r.Protocol, MTU: r.MTU,
		MTULock: r.MTULock,
	}
}

func ruleOf(r config.Rule) netif.Rule {
	return netif.Rule{
		IPv6: r.IPv6, From: r.From, To: r.To, FWMark: r.FWMark, FWMask: r.FWMask, IIf: r.IIf, OIf: r.OIf,
		Action: ruleActions[r.Action], Table: r.Table, Priority: r.Priority,
	}
}
