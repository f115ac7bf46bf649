package ctrl

import (
	"fmt"
	"net/netip"
	"reflect"
	"strconv"

	"drover/ctrl/config"
)

// checkSpec is all that makes a check another one, and nothing of where it is written.
type checkSpec struct {
	times    config.CheckTimes
	socket   config.CheckSocket
	question config.Question
	via      via
}

// via is the way to a real server through a VIP; zero for the way to its own address.
type via struct {
	vip    netip.Addr
	ifname string     // the interface that the real server is behind
	server netip.Addr // the real server, whose MAC address is the way
}

// checkKey tells checks apart: those of one key ask the same of the same server at the same times, and are made once for
// all virtual servers.
type checkKey struct {
	times    config.CheckTimes
	socket   config.CheckSocket
	via      via
	question string
}

// station is a real server that checks ask.
type station struct {
	place
	server netip.Addr
	// amongBalancers: this host is one of the real servers, so that others may be its peers. The one that is MASTER would not
	// answer for itself what comes to the VIP, but send it on.
	amongBalancers bool
}

// mostVIPs are at how many VIPs of a virtual server its checks ask unless they are told to (check_path vip): a group may
// have a network of them.
const mostVIPs = 8

// eachSpec calls do with the checks that one check of a configuration is: one for each VIP of the virtual server if it goes
// through the VIP, and one for each host that an SMTP_CHECK names. A real server that is this host is asked at its address:
// there is no way to it from outside.
func eachSpec(v *config.VirtualServer, c *config.Check, at station, do func(checkSpec)) {
	for _, spec := range hostsOf(c) {
		vips := spec.vips(v, at)
		if len(vips) == 0 {
			do(spec)
			continue
		}
		for _, vip := range vips {
			spec.via = via{vip, at.ifname, at.server}
			do(spec)
		}
	}
}

// vips are those that a check goes through; none if it goes to the address.
func (s checkSpec) vips(v *config.VirtualServer, at station) (list []netip.Addr) {
	both := s.socket.Path == config.PathAuto
	if at.local || s.socket.Path == config.PathAddress || both && (at.amongBalancers || !s.asksAsClients(v, at.server)) {
		return nil
	}
	seen := make(map[netip.Addr]bool)
	for _, e := range v.Endpoints() {
		vip := e.Addr()
		if seen[vip] || both && e.Port() != 0 && e.Port() != s.socket.To.Port() {
			continue
		}
		seen[vip] = true
		if list = append(list, vip); both && len(list) == mostVIPs {
			break
		}
	}
	return list
}

// asksAsClients tells whether a check asks by the protocol of a virtual server's clients, and the real server itself.
func (s checkSpec) asksAsClients(v *config.VirtualServer, server netip.Addr) bool {
	if s.socket.To.Addr() != server {
		return false
	}
	switch s.question.(type) {
	case *config.HTTPCheck, *config.TCPCheck, *config.SMTPCheck:
		return v.Protocol == config.TCP
	case *config.UDPCheck, *config.DNSCheck:
		return v.Protocol == config.UDP
	default:
		return false
	}
}

// bothWays tells whether the check goes both through a VIP and to the address.
func (s checkSpec) bothWays() bool { return s.via != via{} && s.socket.Path == config.PathAuto }

// hostsOf are the checks of each host that is asked: the one, but for an SMTP_CHECK that names some.
func hostsOf(c *config.Check) []checkSpec {
	spec := checkSpec{times: c.CheckTimes, socket: c.CheckSocket, question: c.Question}
	mail, is := c.Question.(*config.SMTPCheck)
	if !is || len(mail.Hosts) == 0 {
		return []checkSpec{spec}
	}
	alone := *mail
	alone.Hosts = nil
	spec.question = &alone
	var specs []checkSpec
	for _, host := range mail.Hosts {
		spec.socket = host
		specs = append(specs, spec)
	}
	return specs
}

// name says which check it is, among those of one real server.
func (s checkSpec) name() string {
	if s.via != (via{}) {
		return fmt.Sprintf("%s through %s", s.question.Keyword(), s.via.vip)
	}
	return s.question.Keyword()
}

// address is where the check goes; empty if nowhere. Of one that goes both ways it is the real server's own.
func (s checkSpec) address() string {
	switch {
	case s.via != (via{}) && !s.bothWays():
		return netip.AddrPortFrom(s.via.vip, s.socket.To.Port()).String()
	case s.socket.To.IsValid():
		return s.socket.To.String()
	default:
		return ""
	}
}

// path is the way that the check takes, as keepalived.conf writes it.
func (s checkSpec) path() string {
	if s.via != (via{}) {
		return s.socket.Path.String()
	}
	return config.PathAddress.String()
}

// key is made of everything in the spec but positions.
func (s checkSpec) key() checkKey {
	if s.via == (via{}) {
		s.socket.Path = config.PathAddress
	}
	return checkKey{s.times, s.socket, s.via, questionText(s.question)}
}

// questionText writes a question so that two that differ in more than positions are written differently. Of a large
// configuration it is written for hundreds of thousands of pages.
func questionText(q config.Question) string {
	pages, is := q.(*config.HTTPCheck)
	if !is || pages.TLS != nil {
		return string(describe(nil, reflect.ValueOf(q)))
	}
	text := make([]byte, 0, 128)
	text = append(text, "HTTP_GET"...)
	for _, word := range []string{pages.VirtualHost, pages.HTTPProtocol} {
		text = strconv.AppendQuote(text, word)
	}
	text = strconv.AppendBool(text, pages.FastRecovery)
	for i := range pages.URLs {
		url := &pages.URLs[i]
		for _, word := range []string{url.Path, url.Digest, url.VirtualHost} {
			text = strconv.AppendQuote(text, word)
		}
		for _, codes := range url.StatusCodes {
			text = append(strconv.AppendInt(text, int64(codes.Low), 10), '-')
			text = append(strconv.AppendInt(text, int64(codes.High), 10), ';')
		}
		if url.Regex != nil {
			text = describe(text, reflect.ValueOf(url.Regex))
		}
	}
	return string(text)
}

// describe appends a value of a configuration, of whatever kind, but for its positions.
func describe(text []byte, v reflect.Value) []byte {
	switch value := v.Interface().(type) {
	case config.Position:
		return text
	case netip.AddrPort:
		return append(value.AppendTo(text), ';')
	}
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			text = describe(text, v.Field(i))
		}
		return text
	case reflect.Slice:
		text = append(strconv.AppendInt(text, int64(v.Len()), 10), ':')
		for i := range v.Len() {
			text = describe(text, v.Index(i))
		}
		return text
	case reflect.Pointer:
		if v.IsNil() {
			return append(text, "nil;"...)
		}
		return describe(append(append(text, v.Type().Elem().String()...), ':'), v.Elem())
	default:
		return append(strconv.AppendQuote(text, fmt.Sprint(v)), ';')
	}
}

// setsWeight tells whether a check has a say in the weight of its real server.
func setsWeight(c config.Check) bool {
	switch q := c.Question.(type) {
	case *config.MiscCheck:
		return q.Dynamic
	case *config.FileCheck:
		return q.Weight != 0
	default:
		return false
	}
}
