package plot

import (
	"bytes"
	"encoding/xml"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files")

func sample() Figure {
	groups := []string{"1 flow", "1 000 flows", "100 000 flows", "1 000 000 flows"}
	series := []Series{
		{"drover", []Value{{48, 47, 52}, {49, 48, 51}, {131, 120, 155}, {212, 180, 2400}}},
		{"floor", []Value{{28, 28, 30}, {28, 28, 28}, {28, 27, 30}, {28, 27, 31}}},
		{"touch", []Value{{30, 30, 31}, {30, 29, 33}, {47, 44, 60}, {88, 80, 120}}},
		{"textbook", []Value{{79, 75, 90}, {86, 80, 99}, {299, 280, 320}, {}}},
	}
	return Figure{
		Title: "packet: ns per packet",
		Notes: []string{"a processor, 2 CPUs & more, kernel 6.1", "XDP in test runs, 21 runs"},
		Panels: []Panel{
			{Title: "established, ipv4", Unit: "ns/packet", Groups: groups, Series: series, Limit: 100},
			{Title: "new, ipv4", Unit: "ns/packet", Groups: groups, Series: series[:2]},
			{
				Title: "apply", Unit: "ms", Groups: []string{"from nothing"}, Limit: 1,
				Series: []Series{{"drover", []Value{{0.5, 0.5, 0.5}}}},
			},
		},
	}
}

func draw(t *testing.T, f Figure) string {
	t.Helper()
	var out bytes.Buffer
	if err := f.WriteSVG(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTheSameFigureGivesTheSameDrawing(t *testing.T) {
	golden := filepath.Join("testdata", "sample.svg")
	got := draw(t, sample())
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; look at it and run the test with -update", golden)
	}
}

func TestAFigureThatCannotBeDrawnIsRefused(t *testing.T) {
	for name, f := range map[string]Figure{
		"without panels": {Title: "empty"},
		"with a value too few in a group": {Panels: []Panel{
			{Groups: []string{"a", "b"}, Series: []Series{{"s", []Value{{1, 1, 1}}}}},
		}},
	} {
		if err := f.WriteSVG(io.Discard); err == nil {
			t.Errorf("a figure %s was drawn", name)
		}
	}
}

func TestScaleEndsAtARoundNumberAboveTheHighestValue(t *testing.T) {
	for _, test := range []struct {
		highest, top float64
		ticks        int
	}{{0, 1, 1}, {1, 1, 5}, {100, 100, 5}, {101, 125, 5}, {290, 300, 3}, {0.031, 0.04, 4}, {1e6, 1e6, 5}} {
		s := newScale(test.highest, 100)
		if math.Abs(s.top()-test.top) > 1e-9*test.top || s.ticks != test.ticks {
			t.Errorf("scale for %v has %d ticks up to %v, want %d up to %v", test.highest, s.ticks, s.top(), test.ticks, test.top)
		}
	}
	if s := newScale(10, 100); s.pixels(20) != 100 || s.pixels(5) != 50 || s.pixels(0) != 0 {
		t.Error("a value above the scale is not cut off, or one below is")
	}
}

func TestOneWildRunDoesNotPressTheBarsToTheGround(t *testing.T) {
	p := Panel{Groups: []string{"a"}, Series: []Series{{"s", []Value{{10, 9, 1000}}}}}
	if got := p.highest(); got != 15 {
		t.Errorf("the scale reaches %v, want 15", got)
	}
}

func TestNumbersAreShort(t *testing.T) {
	for value, want := range map[float64]string{
		0: "0", 0.05: "0.05", 0.85: "0.85", 1: "1", 1.234: "1.23", 47.26: "47.3", 253.4: "253", 1234: "1234", 12345: "12.3k",
		4e6: "4M", 2.5e9: "2.5G", 100: "100", 120: "120",
	} {
		if got := number(value); got != want {
			t.Errorf("%v is written %q, want %q", value, got, want)
		}
	}
}

func TestNoTextLiesOnAnother(t *testing.T) {
	boxes := textBoxes(t, draw(t, sample()))
	if len(boxes) < 40 {
		t.Fatalf("only %d texts", len(boxes))
	}
	for i, a := range boxes {
		if a.left < 0 || a.right > pageWidth {
			t.Errorf("%q leaves the page", a.text)
		}
		for _, b := range boxes[i+1:] {
			if a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom {
				t.Errorf("%q lies on %q", a.text, b.text)
			}
		}
	}
}

type box struct {
	left, right, top, bottom float64
	text                     string
}

// textBoxes measures every text by the number of its letters.
func textBoxes(t *testing.T, svg string) (boxes []box) {
	t.Helper()
	sizes := map[string]float64{"": 12, "small": 10, "panel": 14, "title": 18}
	for decoder := xml.NewDecoder(strings.NewReader(svg)); ; {
		token, err := decoder.Token()
		if err == io.EOF {
			return boxes
		}
		if err != nil {
			t.Fatal(err)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "text" {
			var text string
			if err := decoder.DecodeElement(&text, &start); err != nil {
				t.Fatal(err)
			}
			boxes = append(boxes, boxOf(t, start, text, sizes))
		}
	}
}

func boxOf(t *testing.T, start xml.StartElement, text string, sizes map[string]float64) box {
	t.Helper()
	attributes := make(map[string]string)
	for _, a := range start.Attr {
		attributes[a.Name.Local] = a.Value
	}
	x, errX := strconv.ParseFloat(attributes["x"], 64)
	y, errY := strconv.ParseFloat(attributes["y"], 64)
	size, known := sizes[attributes["class"]]
	if errX != nil || errY != nil || !known {
		t.Fatalf("text %q has attributes %v", text, attributes)
	}
	width := 0.5 * size * float64(len(text))
	left := map[string]float64{"start": x, "middle": x - width/2, "end": x - width}[attributes["text-anchor"]]
	return box{left, left + width, y - 0.8*size, y, text}
}

func TestASeriesKeepsItsColourWhicheverOthersThereAre(t *testing.T) {
	f := sample()
	f.Order = []string{"drover", "floor", "none", "touch"}
	f.Panels = f.Panels[:1]
	f.Panels[0].Series = f.Panels[0].Series[2:] // touch, textbook
	drawing := draw(t, f)
	for i, drawn := range []bool{false, false, false, true, true} {
		if strings.Contains(drawing, colour(i)) != drawn {
			t.Errorf("colour %d is drawn: %v", i, !drawn)
		}
	}
	if strings.Contains(drawing, "none") || !strings.Contains(drawing, ">touch<") {
		t.Error("the legend does not list what is drawn, and only that")
	}
}

func ExampleFigure_WriteSVG() {
	f := Figure{Panels: []Panel{{Groups: []string{"a"}, Series: []Series{{"s", []Value{{1, 1, 1}}}}}}}
	var out bytes.Buffer
	fmt.Println(f.WriteSVG(&out), strings.HasPrefix(out.String(), "<svg "))
	// Output: <nil> true
}
