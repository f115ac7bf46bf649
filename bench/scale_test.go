package main

import (
	"context"
	"errors"
	"testing"

	"golang.org/x/sys/unix"
)

func TestScaleBenchmarkMeasuresChangesAndManyFlows(t *testing.T) {
	needRoot(t)
	o := scaleOptions{services: 5, reals: 4, flows: 2000, rounds: 2}
	report, err := benchScale(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []Path{FromNothing, OneServer, Unchanged} {
		for _, program := range []string{"drover", "map"} {
			if r, found := report.row(program, path, IPv4, 0); !found || r.Min <= 0 {
				t.Errorf("%s, %s: %+v", program, path, r)
			}
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
	if len(figure.Panels) != 4 {
		t.Errorf("%d panels", len(figure.Panels))
	}
}

func TestFrozenTablesRefuseAChange(t *testing.T) {
	needRoot(t)
	err := inPrivate(func() (err error) {
		c, err := openServices(scaleOptions{services: 3, reals: 2})
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, c.close()) }()
		if err := errors.Join(c.apply(), freezeTables(c.(*services).dir)); err != nil {
			return err
		}
		if err := c.change(); !errors.Is(err, unix.EPERM) {
			t.Errorf("a change of frozen tables: %v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
