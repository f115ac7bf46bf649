package ctrl

import (
	"cmp"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"

	"drover/ctrl/api"
	"drover/dataplane"
)

// findings are what is wrong on the LAN as far as it is known: who answers for addresses that are not his, and real servers
// that answer at their own address and not through the VIP.
func (k *known) findings() []api.Finding {
	list := []api.Finding{}
	for _, of := range []func() []api.Finding{k.claimFindings, k.neighborFindings, k.twinFindings, k.pathFindings, k.passageFindings} {
		list = append(list, of()...)
	}
	api.SortFindings(list)
	return list
}

// claimFindings are of others that answer for VIPs of this node.
func (k *known) claimFindings() []api.Finding {
	servers := make(map[string][]string)
	for key, n := range k.neighbors {
		servers[n.mac.String()] = append(servers[n.mac.String()], key.address.String())
	}
	var list []api.Finding
	for c := range k.claims {
		f := api.Finding{
			Severity: api.SeverityError, Kind: "vip-answered", Subject: c.vip.String(),
			Evidence: fmt.Sprintf("%s answers for %s at %s", c.mac, c.vip, protocolOfNeighbors(c.vip)),
		}
		if names := servers[c.mac]; len(names) > 0 {
			slices.Sort(names)
			f.Subject = strings.Join(names, ", ")
			f.Text = fmt.Sprintf("the real server answers %s for the VIP %s: clients may reach it past the balancer",
				protocolOfNeighbors(c.vip), c.vip)
			f.Cure = keepQuiet(c.vip)
		} else {
			f.Text = fmt.Sprintf("another host at %s has the VIP, which this node holds as MASTER: clients get now the one, now the other", c.mac)
			f.Cure = fmt.Sprintf("find the host (ip neigh, the switch's table of %s), and take %s off it", c.mac, c.vip)
		}
		list = append(list, f)
	}
	return list
}

func protocolOfNeighbors(a netip.Addr) string {
	if a.Is6() {
		return "neighbor discovery"
	}
	return "ARP"
}

// keepQuiet is what a real server must have to hold a VIP and to keep quiet about it.
func keepQuiet(vip netip.Addr) string {
	if vip.Is6() {
		return fmt.Sprintf("on it, hold %[1]s/128 on lo and nowhere else: ip -6 addr add %[1]s/128 dev lo", vip)
	}
	return fmt.Sprintf("on it, hold the VIP on lo alone: ip addr add %s/32 dev lo; sysctl -w net.ipv4.conf.all.arp_ignore=1 "+
		"net.ipv4.conf.all.arp_announce=2", vip)
}

// pathFindings are of real servers that answer at their own address and not through the VIP.
func (k *known) pathFindings() []api.Finding {
	var list []api.Finding
	for _, c := range k.checks {
		beside := c.beside()
		if c.spec.via == (via{}) || c.passes() || !beside.passes() {
			continue
		}
		vip := c.spec.via.vip
		// The check may have passed since it was to be diagnosed, and have failed again: then there is no diagnosis yet.
		cause := cmp.Or(beside.diagnosis.Cause, fmt.Sprintf("it may have lost the VIP %s", vip))
		list = append(list, api.Finding{
			Severity: api.SeverityError, Kind: "vip-fails",
			Subject:  fmt.Sprintf("%s through %s", netip.AddrPortFrom(c.spec.via.server, c.spec.socket.To.Port()), vip),
			Text:     "the real server answers at its own address and not through the VIP: " + cause,
			Evidence: fmt.Sprintf("%s: address ok, VIP fails: %s", c.spec.question.Keyword(), c.reason),
			Cure:     cmp.Or(beside.diagnosis.Cure, keepQuiet(vip)),
		})
	}
	return list
}

// passageFindings are of ways through VIPs of which it is not shown that this host gets answers: no real server passes
// through the VIP, while they do at their own addresses.
func (k *known) passageFindings() []api.Finding {
	doubts := make(map[passageKey][]*check)
	for _, c := range k.checks {
		if c.sight.ruling == doubted {
			by := passageOf(c.spec, c.key, 0)
			doubts[by] = append(doubts[by], c)
		}
	}
	var list []api.Finding
	for by, checks := range doubts {
		slices.SortFunc(checks, func(a, b *check) int { return a.spec.via.server.Compare(b.spec.via.server) })
		list = append(list, passageFinding(by, checks))
	}
	return list
}

// mostEvidence is how many real servers a finding names.
const mostEvidence = 4

// passageFinding is of checks whose failures through a VIP do not count. The first one stands for all.
func passageFinding(by passageKey, checks []*check) api.Finding {
	first := checks[0]
	var said []string
	for _, c := range checks[:min(len(checks), mostEvidence)] {
		said = append(said, fmt.Sprintf("%s: address ok, VIP fails: %s", c.spec.via.server, c.sight.through))
	}
	if more := len(checks) - len(said); more > 0 {
		said = append(said, fmt.Sprintf("and %d more", more))
	}
	ever := "none has passed through it yet"
	if proven := first.sight.proven; !proven.IsZero() {
		ever = "the last one has passed through it at " + proven.Format("15:04:05")
	}
	return api.Finding{
		Severity: api.SeverityWarning, Kind: "vip-unproven",
		Subject: fmt.Sprintf("%s by %s", netip.AddrPortFrom(by.via.vip, by.port), by.via.ifname),
		Text: "real servers pass their check at their own addresses, and none of them through the VIP; it may be this host that gets no " +
			"answers so: the addresses count, and one that has lost the VIP is not seen",
		Evidence: fmt.Sprintf("%s: %s; %s", first.spec.question.Keyword(), strings.Join(said, ", "), ever),
		Cure: fmt.Sprintf("if clients are not served either: %s. If they are, and the answers get lost here: look what drops or takes them (tc filter "+
			"show dev %s egress; nft list ruleset netdev; other programs on %[2]s, its driver, the switch's rules for MAC addresses). If they are, "+
			"and the answers are to be as they are: check_path address; if this is to count: check_path vip",
			cmp.Or(first.sight.insight.diagnosis.Cure, "give the real servers the VIP"), by.via.ifname),
	}
}

// neighborFindings are of real servers whose address two hosts answer for, as the resolver tells.
func (k *known) neighborFindings() []api.Finding {
	var list []api.Finding
	for key, n := range k.neighbors {
		if n.resolved && n.reason != "" {
			list = append(list, api.Finding{
				Severity: api.SeverityError, Kind: "address-twice", Subject: key.address.String(),
				Text:     "two hosts have the address of a real server: connections to it break as it moves between them",
				Evidence: n.reason, Cure: "find the wrong one by its MAC address (arping -D on the LAN, the switch's table) and give it another address",
			})
		}
	}
	return list
}

// twinFindings are of real servers with one MAC address.
func (k *known) twinFindings() []api.Finding {
	type station struct {
		ifname string
		mac    dataplane.MAC
	}
	at := make(map[station][]string)
	for key, n := range k.neighbors {
		if n.resolved && n.mac != (dataplane.MAC{}) {
			s := station{key.ifname, n.mac}
			at[s] = append(at[s], key.address.String())
		}
	}
	var list []api.Finding
	for _, s := range slices.SortedFunc(maps.Keys(at), func(a, b station) int {
		return cmp.Or(cmp.Compare(a.ifname, b.ifname), cmp.Compare(a.mac.String(), b.mac.String()))
	}) {
		addresses := at[s]
		if len(addresses) < 2 {
			continue
		}
		slices.Sort(addresses)
		list = append(list, api.Finding{
			Severity: api.SeverityWarning, Kind: "mac-twice", Subject: strings.Join(addresses, ", "),
			Text: "these real servers have one MAC address: one host has all of these addresses, which is one server and not several, " +
				"or several hosts have one MAC address (a copied virtual machine), and the switch sends what is for one to another",
			Evidence: fmt.Sprintf("all answer at %s on %s", s.mac, s.ifname),
			Cure:     "if they are several hosts, give each a MAC address of its own: ip link set dev IF address MAC",
		})
	}
	return list
}
