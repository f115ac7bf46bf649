package config

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// serverGroups writes the virtual server groups that are used.
func (w *printer) serverGroups(servers []VirtualServer) {
	written := map[string]bool{"": true}
	for _, v := range servers {
		if written[v.Group] {
			continue
		}
		written[v.Group] = true
		w.block([]string{"virtual_server_group", w.word(v.Group)}, func() {
			for _, member := range v.Members {
				w.line(endpointWords(member)...)
			}
		})
	}
}

// endpointWords returns an address and its port, if it has one.
func endpointWords(e netip.AddrPort) []string {
	if e.Port() == 0 {
		return []string{e.Addr().String()}
	}
	return []string{e.Addr().String(), strconv.Itoa(int(e.Port()))}
}

// virtualServer writes a virtual_server.
func (w *printer) virtualServer(v VirtualServer) {
	words := []string{"virtual_server", "group", w.word(v.Group)}
	if v.Group == "" {
		words = append([]string{"virtual_server"}, endpointWords(netip.AddrPortFrom(v.Address, v.Port))...)
	}
	w.block(words, func() {
		w.line("lb_algo", v.Scheduler)
		w.line("lb_kind", "DR")
		w.line("protocol", v.Protocol.String())
		w.flag(v.Scheduler+"-port", v.HashPorts)
		w.flag(v.Scheduler+"-fallback", v.Fallback)
		w.flag("ops", v.OnePacket)
		if v.SlowStart > 0 {
			w.seconds("slow_start", v.SlowStart) // a word of Drover's
		}
		if v.PersistenceTimeout > 0 {
			w.seconds("persistence_timeout", v.PersistenceTimeout)
			w.line("persistence_granularity", granularityWord(v))
		}
		w.seconds("delay_loop", v.DelayLoop)
		w.flag("alpha", v.Alpha)
		w.flag("omega", v.Omega)
		w.flag("ha_suspend", v.HASuspend)
		w.quorum(v)
		for _, r := range v.RealServers {
			w.realServer(r, v)
		}
	})
}

// granularityWord writes the mask of persistence: a netmask for IPv4, a length for
// IPv6.
func granularityWord(v VirtualServer) string {
	if v.Endpoints()[0].Addr().Is6() {
		return strconv.Itoa(v.PersistencePrefix)
	}
	ones := netip.AddrFrom4([4]byte{255, 255, 255, 255})
	return netip.PrefixFrom(ones, v.PersistencePrefix).Masked().Addr().String()
}

// quorum writes what a virtual server does without enough real servers. A quorum
// of 1 above the weight of all real servers is the default, and an error of
// keepalived's where it is written.
func (w *printer) quorum(v VirtualServer) {
	total := 0
	for _, r := range v.RealServers {
		total += r.Weight
	}
	if v.Quorum <= total {
		w.number("quorum", v.Quorum)
		w.number("hysteresis", v.Hysteresis)
	}
	w.notify("quorum_up", v.QuorumUp)
	w.notify("quorum_down", v.QuorumDown)
	if v.SorryServer.IsValid() {
		w.line(append([]string{"sorry_server"}, endpointWords(v.SorryServer)...)...)
		w.flag("sorry_server_inhibit", v.SorryServerInhibit)
	}
}

// realServer writes a real_server. What checks have no word for themselves stands
// before them.
func (w *printer) realServer(r RealServer, v VirtualServer) {
	w.block(append([]string{"real_server"}, endpointWords(netip.AddrPortFrom(r.Address, r.Port))...), func() {
		w.number("weight", r.Weight)
		if r.UpperThreshold > 0 {
			w.line("uthreshold", number(r.UpperThreshold))
		}
		if r.LowerThreshold > 0 {
			w.line("lthreshold", number(r.LowerThreshold))
		}
		w.onOff("inhibit_on_failure", r.InhibitOnFailure)
		w.notify("notify_up", r.NotifyUp)
		w.notify("notify_down", r.NotifyDown)
		w.sharedTimes(r.Checks)
		for _, c := range r.Checks {
			w.block([]string{c.Question.Keyword()}, func() { w.check(c, v) })
		}
	})
}

// sharedTimes writes the times that some checks can only have from their real
// server.
func (w *printer) sharedTimes(checks []Check) {
	is := func(keyword string) int {
		return slices.IndexFunc(checks, func(c Check) bool { return c.Question.Keyword() == keyword })
	}
	file, misc := is("FILE_CHECK"), is("MISC_CHECK")
	if file >= 0 {
		w.times(checks[file].CheckTimes)
	}
	if n := max(file, misc); n >= 0 {
		w.seconds("connect_timeout", checks[n].ConnectTimeout)
	}
}

// times writes what every kind of check has.
func (w *printer) times(t CheckTimes) {
	w.seconds("delay_loop", t.DelayLoop)
	w.seconds("warmup", t.Warmup)
	w.number("retry", t.Retry)
	w.seconds("delay_before_retry", t.DelayBeforeRetry)
	w.onOff("alpha", t.Alpha)
}

// socket writes where a check goes to.
func (w *printer) socket(s CheckSocket) {
	w.line("connect_ip", s.To.Addr().String())
	if s.To.Port() > 0 {
		w.number("connect_port", int(s.To.Port()))
	}
	if s.From.Addr().IsValid() {
		w.line("bindto", s.From.Addr().String())
	}
	if s.From.Port() > 0 {
		w.number("bind_port", int(s.From.Port()))
	}
	w.text("bind_if", s.Interface)
	if s.Mark > 0 {
		w.line("fwmark", number(s.Mark))
	}
	if s.Path != w.defaultPath {
		w.line("check_path", s.Path.String())
	}
}

// check writes what is in the block of a check.
func (w *printer) check(c Check, v VirtualServer) {
	if file, ok := c.Question.(*FileCheck); ok {
		w.line("track_file", w.word(file.File))
		w.line(weighted(file.Weight, file.Reverse)...)
		return
	}
	w.times(c.CheckTimes)
	w.onOff("log_all_failures", c.LogAllFailures)
	if misc, ok := c.Question.(*MiscCheck); ok {
		w.line("misc_path", command(misc.Command))
		if misc.Timeout != v.DelayLoop {
			w.seconds("misc_timeout", misc.Timeout)
		}
		w.flag("misc_dynamic", misc.Dynamic)
		if misc.User != "" {
			w.line(append([]string{"user"}, w.by(misc.User, misc.Group)...)...)
		}
		return
	}
	w.seconds("connect_timeout", c.ConnectTimeout)
	w.socket(c.CheckSocket)
	switch q := c.Question.(type) {
	case *HTTPCheck:
		w.webCheck(q)
	case *UDPCheck:
		w.udpCheck(q)
	case *DNSCheck:
		w.line("type", q.Type)
		w.line("name", w.word(q.Name))
	case *SMTPCheck:
		w.line("helo_name", w.word(q.HeloName))
		for _, host := range q.Hosts {
			w.block([]string{"host"}, func() { w.host(host, c.Path) })
		}
	}
}

// host writes a host of an SMTP_CHECK, which would have the path of the check
// otherwise.
func (w *printer) host(s CheckSocket, path CheckPath) {
	outer := w.defaultPath
	w.defaultPath = path
	w.socket(s)
	w.defaultPath = outer
}

func (w *printer) webCheck(q *HTTPCheck) {
	w.line("http_protocol", q.HTTPProtocol)
	w.text("virtualhost", q.VirtualHost)
	w.onOff("fast_recovery", q.FastRecovery)
	if q.TLS != nil {
		w.onOff("enable_sni", q.TLS.SNI)
		w.text("sni_name", q.TLS.SNIName)
		w.flag("tls_compliant", q.TLS.Compliant)
	}
	for _, u := range q.URLs {
		w.block([]string{"url"}, func() { w.url(u) })
	}
}

func (w *printer) url(u URL) {
	w.line("path", w.word(u.Path))
	words := []string{"status_code"}
	for _, codes := range u.StatusCodes {
		words = append(words, codes.String())
	}
	w.line(words...)
	w.text("digest", u.Digest)
	w.text("virtualhost", u.VirtualHost)
	r := u.Regex
	if r == nil {
		return
	}
	w.line("regex", escaped(r.Pattern))
	w.flag("regex_no_match", r.NoMatch)
	if len(r.Options) > 0 {
		w.line("regex_options", strings.Join(r.Options, " "))
	}
	w.number("regex_min_offset", r.MinOffset)
	if r.MaxOffset != anywhere {
		w.number("regex_max_offset", r.MaxOffset)
	}
}

func (w *printer) udpCheck(q *UDPCheck) {
	if len(q.Payload) > 0 {
		w.line("payload", hexWord(q.Payload, nil))
	}
	if q.RequireReply {
		words := []string{"require_reply"}
		if len(q.Reply) > 0 {
			words = append(words, hexWord(q.Reply, q.ReplyMask))
		}
		w.line(words...)
	}
	if q.RequireReply || q.MinReply != 0 {
		w.number("min_reply_length", q.MinReply)
	}
	if q.RequireReply || q.MaxReply != 255 {
		w.number("max_reply_length", q.MaxReply)
	}
}

// hexWord writes bytes in hexadecimal, with x for the digits that a mask leaves
// out; nil leaves none out.
func hexWord(bytes, mask []byte) string {
	const digits = "0123456789abcdef"
	var out strings.Builder
	for i, b := range bytes {
		for _, shift := range []int{4, 0} {
			if mask != nil && mask[i]>>shift&0xf == 0 {
				out.WriteByte('x')
				continue
			}
			out.WriteByte(digits[b>>shift&0xf])
		}
	}
	return out.String()
}
