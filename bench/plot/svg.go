package plot

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
)

// Measures of the page, in pixels.
const (
	pageWidth   = 1160
	margin      = 24
	columns     = 2
	columnGap   = 32
	panelHeight = 250
	panelTop    = 44 // the panel's title, and room for the topmost number
	panelBottom = 28 // the names of the groups
	axisWidth   = 48 // the numbers of the scale
	groupGap    = 22
	lineHeight  = 18
	letterWidth = 6.2 // of a legend's font of 12 pixels, amply
)

// The palette of Okabe and Ito, which the colour-blind can tell apart. Both themes have it.
var palette = []string{"#0072b2", "#999999", "#e69f00", "#d55e00", "#009e73", "#cc79a7", "#56b4e9"}

// style keeps the figure readable on a dark page, too: where the viewer does not tell, it brings its own white.
const style = `
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-size: 18px; font-weight: 600 }
  .panel { font-size: 14px; font-weight: 600 }
  .small { font-size: 10px; paint-order: stroke; stroke: #ffffff; stroke-width: 2px }
  .page { fill: #ffffff }
  .grid { stroke: #d0d7de }
  .axis { stroke: #57606a }
  .whisker { stroke: #24292f; stroke-width: 1.2 }
  .limit { stroke: #cf222e; stroke-dasharray: 6 4; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { stroke: #0d1117 }
    .page { fill: #0d1117 }
    .grid { stroke: #30363d }
    .axis { stroke: #8b949e }
    .whisker { stroke: #e6edf3 }
    .limit { stroke: #ff7b72 }
  }
`

// canvas collects the elements of the page.
type canvas struct{ bytes.Buffer }

// WriteSVG draws the figure.
func (f Figure) WriteSVG(w io.Writer) error {
	if err := f.problem(); err != nil {
		return fmt.Errorf("draw %q: %w", f.Title, err)
	}
	var c canvas
	header := margin + 2*lineHeight + len(f.Notes)*lineHeight + 2*lineHeight
	rows := (len(f.Panels) + columns - 1) / columns
	height := header + rows*panelHeight + margin
	fmt.Fprintf(&c, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\"", pageWidth, height)
	fmt.Fprintf(&c, " viewBox=\"0 0 %d %d\" role=\"img\">\n", pageWidth, height)
	fmt.Fprintf(&c, "<title>%s</title>\n<style>%s</style>\n", escape(f.Title), style)
	fmt.Fprintf(&c, "<rect class=\"page\" width=\"%d\" height=\"%d\"/>\n", pageWidth, height)
	f.drawHeader(&c)
	for i, p := range f.Panels {
		p.draw(&c, f.frameOf(i, header), f.names())
	}
	c.WriteString("</svg>\n")
	if _, err := c.WriteTo(w); err != nil {
		return fmt.Errorf("draw %q: %w", f.Title, err)
	}
	return nil
}

// frameOf is where a panel goes, from the left corner of its top; a figure of one panel gives it the whole width.
func (f Figure) frameOf(i, header int) frame {
	width := float64(pageWidth - 2*margin)
	if len(f.Panels) > 1 {
		width = (width - columnGap*(columns-1)) / columns
	}
	return frame{
		x: margin + float64(i%columns)*(width+columnGap), y: float64(header + i/columns*panelHeight), width: width,
	}
}

func (f Figure) drawHeader(c *canvas) {
	y := float64(margin + lineHeight)
	c.text("title", "start", margin, y, f.Title)
	for _, note := range f.Notes {
		y += lineHeight
		c.text("", "start", margin, y+4, note)
	}
	y += 2 * lineHeight
	x := float64(margin)
	for i, name := range f.names() {
		if !f.shows(name) {
			continue
		}
		c.bar(x, y-10, 12, 12, colour(i))
		c.text("", "start", x+18, y, name)
		x += 18 + letterWidth*float64(len(name)) + 24
	}
	c.whisker(x+6, y-10, y+2, true)
	c.text("", "start", x+18, y, "bar: median, whisker: least to most")
}

func colour(i int) string { return palette[i%len(palette)] }

func (c *canvas) text(class, anchor string, x, y float64, text string) {
	if class != "" {
		class = fmt.Sprintf(" class=\"%s\"", class)
	}
	fmt.Fprintf(c, "<text%s text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">%s</text>\n", class, anchor, x, y, escape(text))
}

func (c *canvas) line(class string, x1, y1, x2, y2 float64) {
	fmt.Fprintf(c, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", class, x1, y1, x2, y2)
}

func (c *canvas) bar(x, y, width, height float64, colour string) {
	fmt.Fprintf(c, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" fill=\"%s\"/>\n", x, y, width, height, colour)
}

// whisker has a cap at the bottom, and at the top unless it goes on above the scale.
func (c *canvas) whisker(x, top, bottom float64, ends bool) {
	const half = 3
	c.line("whisker", x, top, x, bottom)
	c.line("whisker", x-half, bottom, x+half, bottom)
	if ends {
		c.line("whisker", x-half, top, x+half, top)
	}
}

func escape(text string) string {
	var out bytes.Buffer
	_ = xml.EscapeText(&out, []byte(text)) // a bytes.Buffer takes everything
	return out.String()
}
