package ctrl

import (
	"bytes"
	"cmp"
	"crypto/tls"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/health"
	"drover/ctrl/netif"
	"drover/ctrl/track"
)

// probing is what checks are made with.
type probing struct {
	runner  health.Runner
	values  health.Values
	through func(via) vipNetwork // the way through a VIP
	// certificates are those of SSL blocks, read once.
	certificates map[config.Credentials]*tls.Certificate
}

// fileInterval is how often a track file's number is looked at beside whenever it changes.
const fileInterval = time.Minute

// checkKinds are the kinds of checks, by their keywords.
var checkKinds = map[string]health.Kind{
	"HTTP_GET": health.KindHTTP, "SSL_GET": health.KindHTTP, "TCP_CHECK": health.KindTCP, "UDP_CHECK": health.KindUDP,
	"DNS_CHECK": health.KindDNS, "SMTP_CHECK": health.KindSMTP, "PING_CHECK": health.KindPing, "MISC_CHECK": health.KindMisc,
	"FILE_CHECK": health.KindFile,
}

// timersOf are the timers of a check in the terms of health.
func timersOf(s checkSpec) health.Settings {
	t := s.times
	timers := health.Settings{
		Kind: checkKinds[s.question.Keyword()], Interval: t.DelayLoop, Retry: t.Retry, DelayBeforeRetry: t.DelayBeforeRetry,
		Warmup: t.Warmup, Alpha: t.Alpha,
	}
	switch q := s.question.(type) {
	case *config.HTTPCheck:
		timers.FastRecovery = q.FastRecovery
	case *config.FileCheck:
		timers.Interval = fileInterval
	}
	return timers
}

// targetOf is where a check goes. One that goes nowhere does not look at it.
func targetOf(s checkSpec) health.Target {
	switch {
	case s.via != (via{}):
		return health.Target{Address: netip.AddrPortFrom(s.via.vip, s.socket.To.Port())}
	case !s.socket.To.IsValid():
		return health.Target{Address: netip.AddrPortFrom(netip.IPv4Unspecified(), 0)}
	default:
		return health.Target{Address: s.socket.To}
	}
}

// networkOf is the way that a check takes.
func (p *probing) networkOf(s checkSpec) health.Network {
	switch {
	case s.bothWays():
		return p.through(s.via).alone()
	case s.via != via{}:
		return p.through(s.via)
	}
	return netif.HostDialer{From: s.socket.From, Interface: s.socket.Interface, Mark: s.socket.Mark}
}

// probesOf are what a check asks, in the terms of health.
func (p *probing) probesOf(s checkSpec) ([]health.Probe, error) {
	network, timeout := p.networkOf(s), s.times.ConnectTimeout
	switch q := s.question.(type) {
	case *config.HTTPCheck:
		settings, err := p.httpSettingsOf(q, network, timeout)
		if err != nil {
			return nil, err
		}
		return health.HTTPGet(settings)
	case *config.TCPCheck:
		return alone(health.TCPConnect(health.TCPSettings{Network: network, ConnectTimeout: timeout}))
	case *config.UDPCheck:
		settings := health.UDPSettings{Network: network, ConnectTimeout: timeout, Payload: q.Payload}
		if q.RequireReply { // else what a reply must be means nothing, and need not make sense
			settings.RequireReply, settings.MinReply, settings.MaxReply = true, q.MinReply, q.MaxReply
			settings.Reply, settings.ReplyMask = q.Reply, q.ReplyMask
		}
		return alone(health.UDP(settings))
	case *config.DNSCheck:
		return alone(health.DNS(health.DNSSettings{Network: network, ConnectTimeout: timeout, Type: q.Type, Name: q.Name}))
	case *config.SMTPCheck:
		return alone(health.SMTP(health.SMTPSettings{Network: network, ConnectTimeout: timeout, HeloName: q.HeloName}))
	case *config.PingCheck:
		return alone(health.Ping(health.PingSettings{Network: network, ConnectTimeout: timeout}))
	case *config.MiscCheck:
		return alone(health.Misc(health.MiscSettings{
			Runner: p.runner, Command: q.Command, Timeout: q.Timeout, Dynamic: q.Dynamic, User: q.User, Group: q.Group,
		}))
	case *config.FileCheck:
		return alone(health.File(health.FileSettings{Values: p.values, Name: q.File, Weight: q.Weight, Reverse: q.Reverse}))
	default:
		return nil, fmt.Errorf("no probe for %s", q.Keyword())
	}
}

// pingOf is a ping of the VIP that a check goes through.
func (p *probing) pingOf(s checkSpec) (health.Probe, error) {
	return health.Ping(health.PingSettings{Network: p.through(s.via).alone(), ConnectTimeout: s.times.ConnectTimeout})
}

// alone makes a list of a kind's only probe.
func alone(probe health.Probe, err error) ([]health.Probe, error) { return []health.Probe{probe}, err }

func (p *probing) httpSettingsOf(q *config.HTTPCheck, network health.Network, timeout time.Duration) (health.HTTPSettings, error) {
	settings := health.HTTPSettings{
		Network: network, VirtualHost: q.VirtualHost, ConnectTimeout: timeout, Protocol: health.Protocol(q.HTTPProtocol),
	}
	for _, u := range q.URLs {
		settings.URLs = append(settings.URLs, urlOf(u))
	}
	if q.TLS == nil {
		return settings, nil
	}
	certificate, err := p.certificate(q.TLS.Credentials)
	settings.TLS = &health.TLSSettings{
		SNI: q.TLS.SNI, SNIName: q.TLS.SNIName, Compliant: q.TLS.Compliant, Certificate: certificate,
	}
	return settings, err
}

func urlOf(u config.URL) health.URL {
	url := health.URL{Path: u.Path, Digest: u.Digest, VirtualHost: u.VirtualHost}
	for _, codes := range u.StatusCodes {
		url.StatusCodes = append(url.StatusCodes, health.StatusRange{First: codes.Low, Last: codes.High})
	}
	if r := u.Regex; r != nil {
		url.Regex = &health.Regex{
			Pattern: r.Pattern, NoMatch: r.NoMatch, Options: r.Options, MinOffset: r.MinOffset, EndOffset: r.MaxOffset + 1,
		}
	}
	return url
}

// certificate is what checks show to servers; nil for none.
func (p *probing) certificate(c config.Credentials) (*tls.Certificate, error) {
	if c.Certificate == "" {
		return nil, nil
	}
	if loaded := p.certificates[c]; loaded != nil {
		return loaded, nil
	}
	loaded, err := health.LoadCertificate(c.Certificate, cmp.Or(c.Key, c.Certificate), c.Password)
	if err != nil {
		return nil, err
	}
	p.certificates[c] = loaded
	return loaded, nil
}

// shownBy is what a check shows to servers; nil for nothing.
func (p *probing) shownBy(s checkSpec) (*tls.Certificate, error) {
	pages, is := s.question.(*config.HTTPCheck)
	if !is || pages.TLS == nil {
		return nil, nil
	}
	return p.certificate(pages.TLS.Credentials)
}

// sameCertificate tells whether two show the same; the key goes with the certificate.
func sameCertificate(a, b *tls.Certificate) bool {
	if a == nil || b == nil {
		return a == b
	}
	return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
}

// fileValues are the numbers in track files.
type fileValues struct{ tracker *track.Tracker }

// Value returns the number in a file, once it was looked at.
func (v fileValues) Value(name string) (value int, known bool) {
	for _, r := range v.tracker.Results() {
		if r.Kind == track.File && r.Name == name {
			return r.Value, r.State != track.Unknown
		}
	}
	return 0, false
}
