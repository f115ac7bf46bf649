package main

import (
	"context"
	"errors"
	"testing"
)

func TestScaleBenchmarkMeasuresChangesAndManyFlows(t *testing.T) {
	needRoot(t)
	o := scaleOptions{services: 5, reals: 4, flows: 2000, rounds: 2}
	report, err := benchScale(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range changePaths() {
		for _, program := range []string{"drover", "drover wrr", "drover wlc", "drover mh"} {
			if r, found := report.row(program, path, IPv4, 0); !found || r.Min <= 0 {
				t.Errorf("%s, %s: %+v", program, path, r)
			}
		}
	}
	for _, path := range []Path{FromNothing, OneDown, Unchanged} {
		if r, found := report.row("map", path, IPv4, 0); !found || r.Min <= 0 {
			t.Errorf("map, %s: %+v", path, r)
		}
	}
	for _, program := range []string{"drover", "floor", "touch"} {
		if r, found := report.row(program, ManyFlows, IPv4, o.flows); !found || r.Unit != perPacket {
			t.Errorf("%s: %+v", program, r)
		}
	}
	figure := scaleFigure(report)
	if p := figure.Panels[0]; p.Limit != 1000 || p.Unit != "ms" || p.Groups[0] != "5 services of 4 real servers each" {
		t.Errorf("the first panel: %+v", p)
	}
	if len(figure.Panels) != 6 {
		t.Errorf("%d panels", len(figure.Panels))
	}
}

// Every step changes what it says, and a change shows when nothing should be written.
func TestTheStepsOfTheScaleBenchmarkWriteWhatTheyChange(t *testing.T) {
	needRoot(t)
	o := scaleOptions{services: 3, reals: 2}
	for _, kind := range changers()[:4] {
		t.Run(kind.name, func(t *testing.T) {
			err := inPrivate(func() (err error) {
				c, err := kind.open(o)
				if err != nil {
					return err
				}
				defer func() { err = errors.Join(err, c.close()) }()
				s := c.(*services)
				for _, step := range s.steps() {
					before := s.plane.Written()
					if step.path == Unchanged {
						s.SetWeight(machine(1), 0) // which the reload takes back
						if err := errors.Join(s.Write(), freezeTables(s.dir)); err != nil {
							return err
						}
					}
					if err := step.do(); err != nil {
						return err
					}
					needless := kind.name == "drover" && step.path == Reweighted // rr knows no weights
					if s.plane.Written() == before && !needless && step.path != Unchanged {
						t.Errorf("%s writes nothing", step.path)
					}
				}
				if s.written() == 0 {
					t.Error("a reload of something else counts no entry")
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		})
	}
}
