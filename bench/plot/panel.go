package plot

import "slices"

// frame is where a panel is drawn.
type frame struct{ x, y, width float64 }

// draw draws the panel. The place of its name gives every series its colour.
func (p Panel) draw(c *canvas, at frame, names []string) {
	s := newScale(p.highest(), panelHeight-panelTop-panelBottom)
	zero := at.y + panelHeight - panelBottom
	left, right := at.x+axisWidth, at.x+at.width
	c.text("panel", "start", at.x, at.y+16, p.Title+", "+p.Unit)
	for i := range s.ticks + 1 {
		value := s.step * float64(i)
		y := zero - s.pixels(value)
		class := "grid"
		if i == 0 {
			class = "axis"
		}
		c.line(class, left, y, right, y)
		c.text("small", "end", left-6, y+3.5, number(value))
	}
	p.drawLimit(c, at, zero-s.pixels(p.Limit))
	width := (right - left) / float64(max(1, len(p.Groups)))
	for i, group := range p.Groups {
		x := left + width*float64(i)
		p.drawGroup(c, s, i, x+groupGap/2, zero, width-groupGap, names)
		c.text("", "middle", x+width/2, zero+16, group)
	}
}

// drawLimit draws the line, behind the bars, and says beside the title what it is.
func (p Panel) drawLimit(c *canvas, at frame, y float64) {
	if p.Limit == 0 {
		return
	}
	const sample, space = 28, 8
	right := at.x + at.width
	c.line("limit", at.x+axisWidth, y, right, y)
	label := "limit " + number(p.Limit)
	c.text("", "end", right, at.y+16, label)
	x := right - letterWidth*float64(len(label)) - space
	c.line("limit", x-sample, at.y+12, x, at.y+12)
}

// drawGroup draws the bars of one group side by side.
func (p Panel) drawGroup(c *canvas, s scale, group int, x, zero, width float64, names []string) {
	const (
		widest      = 90
		smallLetter = 5.8 // width of a digit in the small font
	)
	slot := min(width/float64(max(1, len(p.Series))), widest)
	x += (width - slot*float64(len(p.Series))) / 2
	for i, series := range p.Series {
		v := series.Values[group]
		if v == (Value{}) {
			continue
		}
		left, middle := x+slot*float64(i), x+slot*(float64(i)+0.5)
		top := s.pixels(v.Middle)
		c.bar(left+1, zero-top, slot-2, top, colour(slices.Index(names, series.Name)))
		highest := s.pixels(max(v.Middle, v.High))
		if v.Low != v.High {
			c.whisker(middle, zero-highest, zero-s.pixels(v.Low), v.High <= s.top())
		}
		if label := number(v.Middle); smallLetter*float64(len(label)) <= slot {
			c.text("small", "middle", middle, zero-highest-4, label)
		}
	}
}
