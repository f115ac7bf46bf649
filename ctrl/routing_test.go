package ctrl

import (
	"net/netip"
	"reflect"
	"slices"
	"testing"

	"drover/ctrl/config"
	"drover/ctrl/netif"
)

func fullRoute() *config.Route {
	return &config.Route{
		Destination: netip.MustParsePrefix("10.1.0.0/16"), Type: "unicast", Via: netip.MustParseAddr("10.0.0.1"), OnLink: true,
		Interface: "enp1s0", Source: netip.MustParseAddr("10.0.0.2"), Metric: 3, Table: 4, Scope: 253, Protocol: 18, MTU: 1400,
		MTULock: true,
	}
}

func fullRule() *config.Rule {
	return &config.Rule{
		IPv6: true, From: netip.MustParsePrefix("fd00::/8"), To: netip.MustParsePrefix("fd01::/16"), FWMark: 1, FWMask: 2,
		IIf: "enp1s0", OIf: "enp2s0", Action: "prohibit", Table: 5, Priority: 6,
	}
}

func TestRoutesAndRulesInTheTermsOfTheInterface(t *testing.T) {
	route := netif.Route{
		Destination: netip.MustParsePrefix("10.1.0.0/16"), Type: netif.RouteUnicast, Via: netip.MustParseAddr("10.0.0.1"),
		OnLink: true, Interface: "enp1s0", Source: netip.MustParseAddr("10.0.0.2"), Metric: 3, Table: 4, Scope: netif.ScopeLink,
		Protocol: 18, MTU: 1400, MTULock: true,
	}
	if got := routeOf(*fullRoute()); got != route {
		t.Errorf("route %+v, want %+v", got, route)
	}
	rule := netif.Rule{
		IPv6: true, From: netip.MustParsePrefix("fd00::/8"), To: netip.MustParsePrefix("fd01::/16"), FWMark: 1, FWMask: 2,
		IIf: "enp1s0", OIf: "enp2s0", Action: netif.RuleProhibit, Table: 5, Priority: 6,
	}
	if got := ruleOf(*fullRule()); got != rule {
		t.Errorf("rule %+v, want %+v", got, rule)
	}
}

// A word that is added to the configuration must not be forgotten here.
func TestEveryWordOfARouteIsHeeded(t *testing.T) {
	value := reflect.ValueOf(routeOf(*fullRoute()))
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			t.Errorf("nobody sets the route's %s", value.Type().Field(i).Name)
		}
	}
	value = reflect.ValueOf(ruleOf(*fullRule()))
	for i := range value.NumField() {
		if value.Field(i).IsZero() {
			t.Errorf("nobody sets the rule's %s", value.Type().Field(i).Name)
		}
	}
}

func TestAReloadRemovesTheRoutesThatItLacksWhereverTheyAreWritten(t *testing.T) {
	old, moved, other := *fullRoute(), *fullRoute(), *fullRoute()
	moved.Line = 9
	other.Metric = 99
	if got := lacking([]config.Route{old, other}, []config.Route{moved}, sameRoute); !slices.Equal(got, []config.Route{other}) {
		t.Errorf("removes %+v, want the one of metric 99 alone", got)
	}
}
