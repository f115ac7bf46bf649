package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"drover/bench/testbed"
)

// checkRequests is section 5.1: the check requests of a balancer to both web servers.
func (d *demo) checkRequests(ctx context.Context) error {
	d.heading("5.1", "Observation of packets by Wireshark")
	b := groups()[1].master()
	d.say("wireshark: http and ip.addr == %s and http.user_agent == KeepAliveClient", b.address)
	checks, err := d.site.lab.Watch(func(f testbed.Frame) bool { return isCheck(f) && f.Source() == b.mac })
	if err != nil {
		return err
	}
	const wanted = 5 // of each web server
	byServer := map[string][]testbed.Frame{}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	for len(byServer["web150"]) < wanted || len(byServer["web151"]) < wanted {
		f, err := checks.Next(ctx)
		if err != nil {
			return fmt.Errorf("no check requests of %s: %w", b.name, err)
		}
		server := d.site.lab.HostByMAC(f.Destination())
		byServer[server] = append(byServer[server], f)
		tcp, _ := f.TCP()
		d.show("%s > %s: %q", f.Time.Format("15:04:05.000000"), server, tcp.Payload)
	}
	for _, web := range webServers() {
		d.between(fmt.Sprintf("%s checks %s every", b.name, web.Name), 900*time.Millisecond, 1200*time.Millisecond,
			medianPause(byServer[web.Name]))
	}
	return checks.Close()
}

// medianPause is the median of the times between two frames in a row.
func medianPause(frames []testbed.Frame) time.Duration {
	var pauses []time.Duration
	for i := 1; i < len(frames); i++ {
		pauses = append(pauses, frames[i].Time.Sub(frames[i-1].Time))
	}
	slices.Sort(pauses)
	return pauses[len(pauses)/2]
}

// oneWay is section 5.2: while web151 was unplugged, everybody spoke to it and it to nobody.
func (d *demo) oneWay(context.Context) error {
	d.heading("5.2", "When one of the web servers stops")
	web := d.site.lab.Host("web151")
	var to, from int
	for _, f := range d.wire.Seen() {
		if f.Time.Before(d.events.webPulled) || f.Time.After(d.events.webPlugged) {
			continue
		}
		if f.Source() == web.MAC() {
			from++
		}
		if talksTo(f, web.Address()) {
			to++
		}
	}
	d.say("wireshark: ip.addr == %s, while its cable was out (2.3.6)", web.Address())
	d.show("%d frames to it, %d from it", to, from)
	d.record("frames to "+web.Name()+" while it is unplugged", "some", fmt.Sprint(to), to > 0)
	d.same("frames from it", "0", fmt.Sprint(from))
	d.show("drover status: %s is down: %s", web.Address(), d.events.webDownReason)
	d.between("until the pool shows it down", 0, 6*time.Second, d.events.webSeenDown.Sub(d.events.webPulled))
	return nil
}

// recovery is section 5.3: how long it took until web151 served again.
func (d *demo) recovery(context.Context) error {
	d.heading("5.3", "Communication recovery process after the web server returns")
	d.show("the cable was put back; every master used web151 again after %s", seconds(d.events.webSeenUp.Sub(d.events.webPlugged)))
	d.between("until the pool shows it up", 0, 6*time.Second, d.events.webSeenUp.Sub(d.events.webPlugged))
	return nil
}

// awaitPool waits until the masters see the real server up or down, and returns the reason of the last one.
func (d *demo) awaitPool(ctx context.Context, server netip.Addr, up bool) (reason string, err error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	for _, g := range groups() {
		err := testbed.Until(ctx, func() (bool, error) {
			pool, err := d.site.pool(ctx, g.master().name)
			if err != nil {
				return false, err
			}
			reason = pool[server].Reason
			return pool[server].Up == up, nil
		})
		if err != nil {
			return "", fmt.Errorf("%s does not see %s change: %w", g.master().name, server, err)
		}
	}
	return reason, nil
}
