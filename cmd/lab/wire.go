package main

import (
	"bytes"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"drover/bench/testbed"
	"drover/ctrl/vrrp"
)

// advert is a VRRP advertisement on the wire.
type advert struct {
	vrrp.Advert
	frame testbed.Frame
	from  netip.Addr
}

// readAdvert decodes the frame; ok is false for any other frame and for an advert that is not whole.
func readAdvert(f testbed.Frame) (a advert, ok bool) {
	payload, ok := f.VRRP()
	if !ok {
		return advert{}, false
	}
	ip, _ := f.IP()
	message, err := vrrp.Parse(payload, ip.Source, ip.Destination)
	return advert{Advert: message, frame: f, from: ip.Source}, err == nil
}

func isVRRP(f testbed.Frame) bool { _, ok := f.VRRP(); return ok }

// of reports whether the balancer sent the advert for the group.
func (a advert) of(g group, b balancer) bool {
	return a.VirtualRouterID == g.vrid && a.frame.Source() == b.mac
}

func (a advert) password() string { return string(bytes.TrimRight(a.AuthData[:], "\x00")) }

// String is the line of section 3.1.1 with what is missing there: the MAC address and the password.
func (a advert) String() string {
	return fmt.Sprintf("%s %s IP %s > 224.0.0.18: VRRPv%d, vrid %d, prio %d, authtype %s %q, intvl %s, %s",
		a.frame.Time.Format("15:04:05.000000"), a.frame.Source(), a.from, a.Version, a.VirtualRouterID, a.Priority,
		a.AuthType, a.password(), a.Interval, addressList(a.Addresses))
}

func addressList(addresses []netip.Addr) string {
	words := make([]string, len(addresses))
	for i, address := range addresses {
		words[i] = address.String()
	}
	return strings.Join(words, " ")
}

// advertsIn returns the group's adverts in the frames that arrived in a span of time.
func advertsIn(frames []testbed.Frame, g group, from, to time.Time) (adverts []advert) {
	for _, f := range frames {
		if f.Time.Before(from) || f.Time.After(to) {
			continue
		}
		if a, ok := readAdvert(f); ok && a.VirtualRouterID == g.vrid {
			adverts = append(adverts, a)
		}
	}
	return adverts
}

// checkAgent is the User-Agent of a check, as keepalived's.
const checkAgent = "User-Agent: KeepAliveClient\r\n"

// isCheck reports whether the frame carries a check request.
func isCheck(f testbed.Frame) bool {
	tcp, ok := f.TCP()
	return ok && bytes.HasPrefix(tcp.Payload, []byte("GET ")) && bytes.Contains(tcp.Payload, []byte(checkAgent))
}

// talksTo reports whether the frame carries an IP packet to the address, or asks for its hardware address.
func talksTo(f testbed.Frame, address netip.Addr) bool {
	if arp, ok := f.ARP(); ok {
		return arp.Target == address
	}
	ip, ok := f.IP()
	return ok && ip.Destination == address
}
