package config

import "strings"

// schedulers are the algorithms that Drover serves, by keepalived's names.
var schedulers = []string{"rr", "wrr", "lc", "wlc", "sed", "nq", "sh", "dh", "mh", "fo", "ovf", "twos"}

// defaultScheduler is keepalived's and IPVS's.
const defaultScheduler = "wlc"

// schedulerKeywords choose the real server of a new connection.
func schedulerKeywords() map[string]keyword[serverDraft] {
	flags := keyword[serverDraft]{read: func(_ *parser, s *statement, into *serverDraft) {
		into.flags = append(into.flags, s.keyword())
	}}
	return map[string]keyword[serverDraft]{
		"lb_algo":     {min: 1, max: 1, read: readAlgorithm},
		"lvs_sched":   {min: 1, max: 1, read: readAlgorithm},
		"sh-port":     flags,
		"sh-fallback": flags,
		"mh-port":     flags,
		"mh-fallback": flags,
		"flag-1":      flags,
		"flag-2":      flags,
		"ops": at(func(v *serverDraft) *Position { return &v.opsAt },
			flag(func(v *serverDraft) { v.OnePacket = true })),
	}
}

func readAlgorithm(p *parser, s *statement, into *serverDraft) {
	into.algorithm = s.args()[0]
	switch name := into.algorithm.text; name {
	case "lblc", "lblcr":
		p.errorf(into.algorithm.Position, "%s %s is not served: it spreads the destinations of a cluster of caches; "+
			"write dh, which chooses by destination, too, or mh, which chooses by source", s.keyword().text, name)
	default:
		p.oneOf(s.keyword(), into.algorithm, schedulers)
	}
}

// completeScheduler resolves the scheduler and its flags.
func (p *parser) completeScheduler(v *serverDraft) {
	if v.Scheduler = v.algorithm.text; v.Scheduler == "" {
		v.Scheduler = defaultScheduler
		p.warnf(v.Position, "lb_algo is not written: %s is used, as keepalived does", defaultScheduler)
	}
	for _, flag := range v.flags {
		p.schedulerFlag(flag, v)
	}
	if v.OnePacket && v.Protocol != UDP {
		v.OnePacket = false
		p.warnf(v.opsAt, "ops has no effect with protocol %s: it is for UDP", v.Protocol)
	}
}

// schedulerFlag applies a flag. In IPVS flag-1 and flag-2 are other names for
// the fallback and the port flag of both sh and mh.
func (p *parser) schedulerFlag(flag word, v *serverDraft) {
	scheduler, effect, _ := strings.Cut(flag.text, "-")
	hashes := v.Scheduler == "sh" || v.Scheduler == "mh"
	switch {
	case !hashes || scheduler != v.Scheduler && scheduler != "flag":
		p.warnf(flag.Position, "%s has no effect with lb_algo %s", flag.text, v.Scheduler)
	case effect == "port" || effect == "2":
		v.HashPorts = true
	default:
		v.Fallback = true
	}
}
