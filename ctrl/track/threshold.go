package track

// threshold is rise and fall: so many outcomes in a row that differ from the state change it.
type threshold struct {
	rise, fall int
	state      State
	streak     int // outcomes in a row that differ from state
}

// observe takes the outcome of one run. As with keepalived, the first one decides alone.
func (t *threshold) observe(passed bool) State {
	outcome, needed := Down, t.fall
	if passed {
		outcome, needed = Up, t.rise
	}
	if outcome == t.state {
		t.streak = 0
		return t.state
	}
	t.streak++
	if t.streak >= needed || t.state == Unknown {
		t.state, t.streak = outcome, 0
	}
	return t.state
}
