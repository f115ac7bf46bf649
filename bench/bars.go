package main

import "fmt"

// floorLimit is how many times the cost of doing nothing but the rewrite an established connection may cost.
const floorLimit = 2.5

// packetBars holds the measurements against what Drover promises of packets of established connections: at most
// floorLimit times the floor with one connection, and less than the textbook balancer with any number of them. What was
// not measured has no bar.
func packetBars(r Report) []Bar {
	bars := []Bar{}
	for _, drover := range r.Rows {
		if drover.Program != "drover" || drover.Path != Established {
			continue
		}
		if floor, ok := r.row("floor", Established, drover.Flows); ok && drover.Flows == 1 {
			ratio := hundredths(drover.Median / floor.Median)
			bars = append(bars, Bar{
				Name:  "established packet at 1 flow, drover/floor",
				Value: ratio, Limit: floorLimit, Held: ratio <= floorLimit,
			})
		}
		if textbook, ok := r.row("textbook", Established, drover.Flows); ok {
			ratio := hundredths(drover.Median / textbook.Median)
			bars = append(bars, Bar{
				Name:  fmt.Sprintf("established packet at %s, drover/textbook", countOf(drover.Flows, "flow")),
				Value: ratio, Limit: 1, Held: ratio < 1,
			})
		}
	}
	return bars
}

func countOf(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
