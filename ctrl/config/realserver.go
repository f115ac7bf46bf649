package config

import (
	"math"
	"strings"
	"time"
)

// realDraft is a real server while its block is read.
type realDraft struct {
	RealServer
	defaults realDefaults

	// checks are read when the whole block is known, which holds their
	// defaults.
	checks []*statement

	// server is what messages call the virtual server, and serverDelay its
	// delay_loop.
	server      string
	serverDelay time.Duration

	lowerAt Position
	leftOut bool
}

var realServerGrammar = grammar[realDraft]{
	block: "real_server",
	served: with(checkKeywords(checksOfReal), map[string]keyword[realDraft]{
		"weight":             {min: 1, max: 1, read: readWeight(0, func(r *realDraft) *int { return &r.defaults.weight })},
		"inhibit_on_failure": boolean(func(r *realDraft) *bool { return &r.defaults.inhibitOnFailure }),
		"uthreshold":         integer(0, math.MaxUint32, func(r *realDraft) *uint32 { return &r.UpperThreshold }),
		"lthreshold": at(func(r *realDraft) *Position { return &r.lowerAt },
			integer(0, math.MaxUint32, func(r *realDraft) *uint32 { return &r.LowerThreshold })),
		"lvs_method":  {min: 1, max: maxInt, read: readRealMethod},
		"notify_up":   script(func(r *realDraft) **NotifyScript { return &r.NotifyUp }),
		"notify_down": script(func(r *realDraft) **NotifyScript { return &r.NotifyDown }),
	}, checkBlocks()),
	refused: refused("Drover opens no BFD session, so the real server would never be found down; "+
		"write PING_CHECK or TCP_CHECK with a short delay_loop", "BFD_CHECK"),
	unserved: join(
		unserved("no mail is sent", "smtp_alert"),
		unserved("there is no SNMP; use drover status", "snmp_name"),
	),
}

// checkBlocks are the keywords of checks, whose blocks are put aside.
func checkBlocks() map[string]keyword[realDraft] {
	all := map[string]keyword[realDraft]{}
	for name := range strings.FieldsSeq(`HTTP_GET SSL_GET TCP_CHECK UDP_CHECK DNS_CHECK SMTP_CHECK PING_CHECK MISC_CHECK FILE_CHECK`) {
		all[name] = keyword[realDraft]{block: true, read: collect(func(r *realDraft) *[]*statement { return &r.checks })}
	}
	return all
}

func checksOfReal(r *realDraft) *checkDefaults { return &r.defaults.checkDefaults }

// maxWeight is IPVS's largest weight.
const maxWeight = 65535

// readWeight reads a weight. keepalived accepts larger ones than IPVS can use.
func readWeight[T any](least int, field func(*T) *int) func(*parser, *statement, *T) {
	return func(p *parser, s *statement, into *T) {
		value := s.args()[0]
		weight, ok := p.integer("weight", value, least, maxInt)
		if !ok {
			return
		}
		if weight > maxWeight {
			p.warnf(value.Position, "weight %d is too large: %d is used", weight, maxWeight)
		}
		*field(into) = min(weight, maxWeight)
	}
}

func readRealMethod(p *parser, s *statement, into *realDraft) {
	into.leftOut = !p.forwardingMethod(s)
}

// forwardingMethod reads a way to real servers, and refuses all but one.
func (p *parser) forwardingMethod(s *statement) bool {
	method := s.args()[0]
	if !p.oneOf(s.keyword(), method, forwardingMethods) {
		return false
	}
	if method.text != "DR" {
		p.errorf(method.Position, "%s %s is refused: %s", s.keyword().text, method.text, directReturnOnly)
	}
	return method.text == "DR"
}

// realServer reads a real_server block of a virtual server.
func (p *parser) realServer(s *statement, v *serverDraft) {
	r := &realDraft{
		RealServer:  RealServer{Position: s.keyword().Position},
		defaults:    v.defaults,
		server:      v.name(),
		serverDelay: v.DelayLoop,
	}
	p.realAddress(s.args(), r, v)
	realServerGrammar.read(p, s.block.statements, r)
	r.Weight, r.InhibitOnFailure = r.defaults.weight, r.defaults.inhibitOnFailure
	p.checkThresholds(r)
	p.realChecks(r)
	if r.leftOut {
		return
	}
	if other, ok := v.places[r.Address]; ok {
		p.warnf(r.Position, "real server %s is already defined at %s: this one is left out", r.Address, other)
		return
	}
	v.places[r.Address] = r.Position
	v.RealServers = append(v.RealServers, r.RealServer)
}

// realAddress reads ADDRESS [PORT]. The port is the virtual server's when it is
// not written.
func (p *parser) realAddress(args []word, r *realDraft, v *serverDraft) {
	var validAddress, validPort bool
	r.Address, validAddress = p.ip(args[0])
	r.Port, validPort = p.port(args)
	r.leftOut = !validAddress || !validPort
	if r.leftOut || v.leftOut {
		return
	}
	if client := v.Endpoints()[0].Addr(); client.BitLen() != r.Address.BitLen() {
		p.errorf(args[0].Position, "%s has another address family than %s: direct return does not translate addresses",
			r.Address, v.name())
	}
	switch {
	case r.Port == v.port:
	case r.Port == 0:
		r.Port = v.port
	case v.port == 0:
		p.warnf(args[1].Position, "direct return cannot change ports: connections keep theirs, only checks go to port %d", r.Port)
	default:
		p.warnf(args[1].Position, "direct return cannot change ports: connections arrive at port %d, only checks go to port %d",
			v.port, r.Port)
	}
}

// checkThresholds passes over a lower threshold that IPVS would refuse.
func (p *parser) checkThresholds(r *realDraft) {
	if r.LowerThreshold <= r.UpperThreshold {
		return
	}
	if r.UpperThreshold == 0 {
		p.warnf(r.lowerAt, "lthreshold has no effect without uthreshold")
	} else {
		p.warnf(r.lowerAt, "lthreshold %d is above uthreshold %d: it is passed over", r.LowerThreshold, r.UpperThreshold)
	}
	r.LowerThreshold = 0
}

// realChecks reads the checks of a real server. Those of one that is left out are
// read for their findings.
func (p *parser) realChecks(r *realDraft) {
	for _, check := range r.checks {
		r.Checks = append(r.Checks, checkReaders[check.keyword().text](p, check, r))
	}
}
