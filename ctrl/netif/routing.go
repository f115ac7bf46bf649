package netif

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// RouteType is what a route does with a packet, in the kernel's numbers (rtnetlink(7)).
type RouteType uint8

// The types that keepalived.conf names. The zero value stands for unicast.
const (
	RouteUnicast     RouteType = unix.RTN_UNICAST
	RouteBlackhole   RouteType = unix.RTN_BLACKHOLE
	RouteUnreachable RouteType = unix.RTN_UNREACHABLE
	RouteProhibit    RouteType = unix.RTN_PROHIBIT
	RouteThrow       RouteType = unix.RTN_THROW
)

// Route is one route, as an entry of keepalived's virtual_routes or static_routes describes it. What is zero is not asked
// for: the kernel decides.
type Route struct {
	Destination netip.Prefix // 0.0.0.0/0 or ::/0 for the default route
	Type        RouteType
	Via         netip.Addr // gateway, of the same family
	OnLink      bool       // the gateway is on the link, whatever the addresses say
	Interface   string     // empty: the gateway's
	Source      netip.Addr // the source that this host prefers
	Metric      uint32
	Table       uint32 // 0: 254, main
	Scope       Scope  // of IPv4; keepalived gives link to a unicast route without gateway
	Protocol    uint8  // who made it; 18 is keepalived
	MTU         uint32 // bytes
	MTULock     bool   // path MTU discovery leaves the MTU alone
}

// AddRoute adds a route, before others to the same destination with the same metric, as keepalived does. It is no error when
// this very route is there. The result has the index of the route's interface, 0 without one. The error wraps
// ErrNoInterface. Needs CAP_NET_ADMIN.
func AddRoute(route Route) (Holding, error) {
	index, err := route.index()
	if err != nil {
		return Holding{}, fmt.Errorf("add route to %s: %w", route.Destination, err)
	}
	// Without NLM_F_EXCL another gateway's route to the same destination is none of ours, and stays.
	err = route.request(unix.RTM_NEWROUTE, unix.NLM_F_CREATE, index)
	if errors.Is(err, unix.EEXIST) {
		return Holding{Index: index}, nil
	}
	if err != nil {
		return Holding{}, fmt.Errorf("add route to %s: %w", route.Destination, err)
	}
	return Holding{index, true}, nil
}

// RemoveRoute removes a route from the interface that has its name now. It reports removed=false and no error when it is
// not there, also because its interface is gone or down. Needs CAP_NET_ADMIN.
func RemoveRoute(route Route) (removed bool, err error) {
	index, err := route.index()
	if errors.Is(err, ErrNoInterface) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove route to %s: %w", route.Destination, err)
	}
	return RemoveRouteAt(index, route)
}

// RemoveRouteAt removes a route as AddRoute added it, also if its interface has another name since. In all else it is
// RemoveRoute.
func RemoveRouteAt(index int, route Route) (removed bool, err error) {
	err = route.request(unix.RTM_DELROUTE, 0, index)
	if errors.Is(err, unix.ESRCH) || errors.Is(err, unix.ENODEV) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("remove route to %s: %w", route.Destination, err)
	}
	return true, nil
}

// index is that of the interface now; 0 if the route names none.
func (r Route) index() (int, error) {
	if r.Interface == "" {
		return 0, nil
	}
	link, err := linkByName(r.Interface)
	if err != nil {
		return 0, err
	}
	return link.Attrs().Index, nil
}

func (r Route) request(kind, flags, index int) error {
	request := nl.NewNetlinkRequest(kind, flags|unix.NLM_F_ACK)
	request.AddData(r.header())
	for _, attribute := range r.attributes(index) {
		request.AddData(attribute)
	}
	_, err := request.Execute(unix.NETLINK_ROUTE, 0)
	return err
}

func (r Route) header() *nl.RtMsg {
	header := &nl.RtMsg{RtMsg: unix.RtMsg{
		Family: familyOf(r.Destination.Addr()), Dst_len: uint8(r.Destination.Bits()),
		Type: uint8(r.Type), Scope: uint8(r.Scope), Protocol: r.Protocol,
	}}
	if r.Type == 0 {
		header.Type = unix.RTN_UNICAST
	}
	if r.OnLink {
		header.Flags |= unix.RTNH_F_ONLINK
	}
	return header
}

func (r Route) attributes(index int) []*nl.RtAttr {
	list := []*nl.RtAttr{
		nl.NewRtAttr(unix.RTA_TABLE, nl.Uint32Attr(cmp.Or(r.Table, unix.RT_TABLE_MAIN))),
		nl.NewRtAttr(unix.RTA_DST, r.Destination.Masked().Addr().AsSlice()),
	}
	if r.Via.IsValid() {
		list = append(list, nl.NewRtAttr(unix.RTA_GATEWAY, r.Via.AsSlice()))
	}
	if r.Source.IsValid() {
		list = append(list, nl.NewRtAttr(unix.RTA_PREFSRC, r.Source.AsSlice()))
	}
	if r.Metric > 0 {
		list = append(list, nl.NewRtAttr(unix.RTA_PRIORITY, nl.Uint32Attr(r.Metric)))
	}
	if index != 0 {
		list = append(list, nl.NewRtAttr(unix.RTA_OIF, nl.Uint32Attr(uint32(index))))
	}
	if r.MTU > 0 {
		metrics := nl.NewRtAttr(unix.RTA_METRICS, nil)
		metrics.AddRtAttr(unix.RTAX_MTU, nl.Uint32Attr(r.MTU))
		if r.MTULock {
			metrics.AddRtAttr(unix.RTAX_LOCK, nl.Uint32Attr(1<<unix.RTAX_MTU))
		}
		list = append(list, metrics)
	}
	return list
}

func familyOf(addr netip.Addr) uint8 {
	if addr.Is4() {
		return unix.AF_INET
	}
	return unix.AF_INET6
}
