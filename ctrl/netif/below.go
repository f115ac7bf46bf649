package netif

import (
	"cmp"
	"slices"
)

// nicsBelow are the NICs that a stacked device has its frames from, by way of whatever is between them, in the order of their
// names. Of a tap or another virtual device nothing is merged.
func nicsBelow(link LinkInfo, links map[string]LinkInfo) []LinkInfo {
	var nics []LinkInfo
	seen := map[int]bool{link.Index: true}
	uppers := []LinkInfo{link}
	for len(uppers) > 0 {
		upper := uppers[0]
		uppers = uppers[1:]
		for _, lower := range links {
			if seen[lower.Index] || !isBelow(lower, upper) {
				continue
			}
			seen[lower.Index] = true
			uppers = append(uppers, lower)
			if lower.Kind == "" || lower.Kind == "veth" {
				nics = append(nics, lower)
			}
		}
	}
	slices.SortFunc(nics, func(a, b LinkInfo) int { return cmp.Compare(a.Name, b.Name) })
	return nics
}

// isBelow tells whether a device has frames from another one.
func isBelow(lower, upper LinkInfo) bool {
	switch upper.Kind {
	case "bond", "bridge", "team":
		return lower.Master == upper.Index
	case "vlan", "macvlan", "macvtap", "vxlan", "geneve", "gretap", "ip6gretap":
		return lower.Index == upper.Parent
	default:
		return false
	}
}
