package main

import "fmt"

// Most that a packet of Drover may cost, as a multiple.
const (
	overFloor     = 2.0  // of floor, with one established connection
	overTouch     = 1.35 // of touch, with so many that the table outgrows the caches
	overTextbook  = 0.6  // of the textbook balancer, likewise
	ipv6OverIPv4  = 1.3  // of the same with IPv4
	vlanOverIPv4  = 1.1  // of the same without a tag
	newOverKnown  = 2.0  // of a packet of an established connection
	textbookFlows = 100_000
	newFlows      = 1_000_000
)

// touchFlows are the numbers of flows at which Drover is held against touch.
func touchFlows() []int { return []int{100_000, 1_000_000} }

// packetBars holds the measurements against what Drover promises. What was not measured has no bar.
func packetBars(r Report) []Bar {
	j := judge{report: r, bars: []Bar{}}
	j.compare("established packet, ipv4, drover/floor", Established, IPv4, 1, "floor", overFloor)
	for _, flows := range touchFlows() {
		j.compare("established packet, ipv4, drover/touch", Established, IPv4, flows, "touch", overTouch)
	}
	j.compare("established packet, ipv4, drover/textbook", Established, IPv4, textbookFlows, "textbook", overTextbook)
	for _, s := range r.sections() {
		_, flows := r.rowsOf(s)
		for _, n := range flows {
			j.compareFamilies(s, n)
		}
	}
	new, foundNew := r.row("drover", New, IPv4, newFlows)
	known, foundKnown := r.row("drover", Established, IPv4, newFlows)
	if foundNew && foundKnown {
		j.add("ipv4 packet, new/established", newFlows, new, known, newOverKnown)
	}
	return j.bars
}

// judge collects bars.
type judge struct {
	report Report
	bars   []Bar
}

func (j *judge) add(name string, flows int, a, b Row, limit float64) {
	j.bars = append(j.bars, atMost(fmt.Sprintf("%s, at %s", name, countOf(flows, "flow")), ratio(a, b), limit))
}

// compare holds Drover against a yardstick.
func (j *judge) compare(name string, path Path, family Family, flows int, yardstick string, limit float64) {
	drover, found := j.report.row("drover", path, family, flows)
	other, foundOther := j.report.row(yardstick, path, family, flows)
	if found && foundOther {
		j.add(name, flows, drover, other, limit)
	}
}

// compareFamilies holds the established packets of another family against the same with IPv4.
func (j *judge) compareFamilies(s section, flows int) {
	limits := map[Family]float64{IPv6: ipv6OverIPv4, VLAN: vlanOverIPv4}
	limit, judged := limits[s.family]
	drover, found := j.report.row("drover", s.path, s.family, flows)
	ipv4, foundIPv4 := j.report.row("drover", s.path, IPv4, flows)
	if judged && s.path == Established && found && foundIPv4 {
		j.add(fmt.Sprintf("established packet, drover, %s/ipv4", s.family), flows, drover, ipv4, limit)
	}
}
