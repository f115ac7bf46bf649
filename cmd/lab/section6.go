package main

import (
	"context"
	"fmt"
	"time"
)

// reverseProxy is section 6.2: the pages through the reverse proxy.
func (d *demo) reverseProxy(ctx context.Context) error {
	d.heading("6.2", "Through the reverse proxy")
	proxy := d.site.lab.Host(proxyHostName)
	d.say("%s is %s here.", proxyHostName, proxy.Address())
	for _, g := range groups() {
		url := fmt.Sprintf("http://%s/%s/", proxy.Address(), g.vip)
		d.same(fmt.Sprintf("http://%s/%s/ answers, in turn", proxyHostName, g.vip), alternating, d.inTurn(ctx, url))
	}
	return nil
}

// stop ends the walk: every balancer stops its service. The last pair shows what a clean stop is: the master says
// goodbye with an advert of priority 0, and the other does not wait for three missing ones.
func (d *demo) stop(ctx context.Context) error {
	d.heading("end", "Stop the service")
	g := groups()[2]
	backup, _ := g.backup()
	d.adverts.Skip()
	began := time.Now()
	if err := d.stopBalancer(g.master()); err != nil {
		return err
	}
	taken, err := d.findAdvert(ctx, g, backup)
	if err != nil {
		return err
	}
	d.show("%s", taken)
	d.between("takeover after a clean stop", 0, 1100*time.Millisecond, taken.frame.Time.Sub(began))
	holders := []string{}
	for _, g := range groups() {
		for _, b := range g.members {
			if b.name != groups()[2].master().name {
				if err := d.stopBalancer(b); err != nil {
					return err
				}
			}
			holds, err := d.site.lab.Host(b.name).Holds(g.vip)
			if err != nil {
				return err
			}
			if holds {
				holders = append(holders, b.name)
			}
		}
	}
	d.same("who still holds a virtual address", list(nil), list(holders))
	return nil
}

func (d *demo) stopBalancer(b balancer) error {
	d.prompt(b.name, "kill -TERM $(pidof drover)")
	return d.site.stop(b.name)
}
