package health

// Weight is what a check makes of its real server's weight. The zero value leaves it alone.
type Weight struct {
	// Way is how Value is meant.
	Way WeightWay
	// Value is the weight, or what is added to it.
	Value int
}

// WeightWay is how a check has to do with a weight.
type WeightWay uint8

const (
	// KeepWeight leaves the weight as it is configured.
	KeepWeight WeightWay = iota
	// SetWeight puts Value in the place of the configured weight (keepalived: misc_dynamic).
	SetWeight
	// AddWeight adds Value, which may be negative, to it (keepalived: FILE_CHECK with a weight).
	AddWeight
)

// MostWeight is the highest weight that a real server can have; the least is 0.
const MostWeight = 65535

// Weigh returns the weight of a real server, of which the checks say this. As in keepalived 2.3 each check adds how far it
// is from the configured weight, so that the only one that sets a weight has its will, and the order does not matter.
func Weigh(configured int, said ...Weight) int {
	weight := int64(configured)
	for _, w := range said {
		switch w.Way {
		case SetWeight:
			weight += int64(w.Value) - int64(configured)
		case AddWeight:
			weight += int64(w.Value)
		}
	}
	return int(min(max(weight, 0), MostWeight))
}
