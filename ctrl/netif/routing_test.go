package netif

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// routes are one of each kind. Only the words that are written are asked for.
var routes = []struct {
	name  string
	route Route
	want  string // as the kernel has it
}{
	{"a gateway's", Route{Destination: prefix("10.1.0.0/16"), Via: addr("192.168.100.150"), Protocol: 18},
		"10.1.0.0/16 via 192.168.100.150 table 254 proto 18 type 1 scope 0"},
	{"the default", Route{Destination: prefix("0.0.0.0/0"), Via: addr("192.168.100.150"), Metric: 5, Table: 1000, Protocol: 18},
		"default via 192.168.100.150 metric 5 table 1000 proto 18 type 1 scope 0"},
	{"one on the link", Route{Destination: prefix("10.2.0.0/16"), Interface: testInterface, Source: addr("192.168.100.210"), Scope: ScopeLink, MTU: 1400, MTULock: true},
		"10.2.0.0/16 src 192.168.100.210 mtu 1400 lock table 254 proto 0 type 1 scope 253"},
	{"a gateway's on the link", Route{Destination: prefix("10.3.0.0/16"), Via: addr("10.99.0.1"), OnLink: true, Interface: testInterface},
		"10.3.0.0/16 via 10.99.0.1 onlink table 254 proto 0 type 1 scope 0"},
	{"a blackhole", Route{Destination: prefix("10.4.0.0/16"), Type: RouteBlackhole},
		"10.4.0.0/16 table 254 proto 0 type 6 scope 0"},
	{"an IPv6 gateway's", Route{Destination: prefix("2001:db8:1::/48"), Via: addr("2001:db8::150"), Protocol: 18},
		"2001:db8:1::/48 via 2001:db8::150 metric 1024 table 254 proto 18 type 1 scope 0"},
	{"the IPv6 default", Route{Destination: prefix("::/0"), Via: addr("2001:db8::150"), Interface: testInterface, Metric: 7, Table: 77, Protocol: 18},
		"default via 2001:db8::150 metric 7 table 77 proto 18 type 1 scope 0"},
	{"an unreachable IPv6 network", Route{Destination: prefix("2001:db8:2::/48"), Type: RouteUnreachable, Metric: 9, Protocol: 18},
		"2001:db8:2::/48 metric 9 table 254 proto 18 type 7 scope 0"},
}

func TestARouteIsAddedOnceAndRemovedOnce(t *testing.T) {
	h, _ := newLAN6(t)
	for _, test := range routes {
		t.Run(test.name, func(t *testing.T) {
			h.must(func() error {
				for _, want := range []bool{true, false} {
					if held, err := AddRoute(test.route); err != nil || held.Added != want {
						t.Errorf("added = %v, want %v: %v", held.Added, want, err)
					}
				}
				if got := routesTo(t, test.route); !slices.Equal(got, []string{test.want}) {
					t.Errorf("routes %q, want %q", got, test.want)
				}
				for _, want := range []bool{true, false} {
					if removed, err := RemoveRoute(test.route); err != nil || removed != want {
						t.Errorf("removed = %v, want %v: %v", removed, want, err)
					}
				}
				return nil
			})
		})
	}
}

// routesTo describes the routes to the destination of a route in its table, first in use first.
func routesTo(t *testing.T, route Route) (found []string) {
	t.Helper()
	table := int(cmp.Or(route.Table, unix.RT_TABLE_MAIN))
	list, err := netlink.RouteListFiltered(int(familyOf(route.Destination.Addr())), &netlink.Route{Table: table}, netlink.RT_FILTER_TABLE)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if r.Dst.String() != route.Destination.String() {
			continue
		}
		found = append(found, describeRoute(r))
	}
	return found
}

func describeRoute(r netlink.Route) string {
	text := r.Dst.String()
	if ones, _ := r.Dst.Mask.Size(); ones == 0 {
		text = "default"
	}
	for _, part := range []struct {
		is   bool
		text string
	}{
		{r.Gw != nil, " via " + r.Gw.String()},
		{r.Src != nil, " src " + r.Src.String()},
		{r.Flags&unix.RTNH_F_ONLINK != 0, " onlink"},
		{r.Priority != 0, fmt.Sprintf(" metric %d", r.Priority)},
		{r.MTU != 0, fmt.Sprintf(" mtu %d", r.MTU)},
		{r.MTULock, " lock"},
	} {
		if part.is {
			text += part.text
		}
	}
	return text + fmt.Sprintf(" table %d proto %d type %d scope %d", r.Table, r.Protocol, r.Type, r.Scope)
}

func TestARouteComesBeforeTheAdministrators(t *testing.T) {
	h, _ := newLAN(t)
	theirs := Route{Destination: prefix("0.0.0.0/0"), Via: addr("192.168.100.150")}
	ours := Route{Destination: prefix("0.0.0.0/0"), Via: addr("192.168.100.151"), Protocol: 18}
	h.must(func() error {
		_, err1 := AddRoute(theirs)
		_, err2 := AddRoute(ours)
		if got := routesTo(t, ours); len(got) != 2 || got[0] != "default via 192.168.100.151 table 254 proto 18 type 1 scope 0" {
			t.Errorf("routes %q", got)
		}
		_, err3 := RemoveRoute(ours)
		if got := routesTo(t, ours); len(got) != 1 || got[0] != "default via 192.168.100.150 table 254 proto 0 type 1 scope 0" {
			t.Errorf("left %q", got)
		}
		return errors.Join(err1, err2, err3)
	})
}

func TestARouteOfAnAbsentInterfaceIsNotAddedAndIsGone(t *testing.T) {
	h, _ := newLAN(t)
	route := Route{Destination: prefix("10.1.0.0/16"), Interface: "enp9s0"}
	h.must(func() error {
		if _, err := AddRoute(route); !errors.Is(err, ErrNoInterface) {
			t.Errorf("added: %v", err)
		}
		if removed, err := RemoveRoute(route); removed || err != nil {
			t.Errorf("removed = %v: %v", removed, err)
		}
		if _, err := AddRoute(Route{Destination: prefix("10.1.0.0/16"), Via: addr("10.200.0.1")}); err == nil {
			t.Error("added a route by a gateway that is nowhere")
		}
		return nil
	})
}
