package ctrl

import (
	"errors"
	"slices"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

// rule adds the routes and rules of a MASTER, or removes them.
func (g *ground) rule(master bool) {
	change := removeRouting
	if master {
		change = addRouting
	}
	if err := change(g.instance.Routes, g.instance.Rules); err != nil {
		g.complain("routing", "not all virtual routes and rules could be changed", err)
	}
	g.rules = master
}

// changeRouting follows a reload.
func (g *ground) changeRouting(old config.Instance) {
	if !g.rules {
		return
	}
	gone := removeRouting(lacking(old.Routes, g.instance.Routes, sameRoute), lacking(old.Rules, g.instance.Rules, sameRule))
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

// addRouting adds the routes and rules that are not there.
func addRouting(routes []config.Route, rules []config.Rule) error {
	var errs []error
	for _, r := range routes {
		_, err := netif.AddRoute(routeOf(r))
		errs = append(errs, err)
	}
	for _, r := range rules {
		_, err := netif.AddRule(ruleOf(r))
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// removeRouting removes them in the opposite order.
func removeRouting(routes []config.Route, rules []config.Rule) error {
	var errs []error
	for _, r := range slices.Backward(rules) {
		_, err := netif.RemoveRule(ruleOf(r))
		errs = append(errs, err)
	}
	for _, r := range slices.Backward(routes) {
		_, err := netif.RemoveRoute(routeOf(r))
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
