package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os/exec"
	"time"

	"drover/bench/testbed"
)

// busyAdverts are the longest intervals at which it is measured how late adverts are: at longer ones a round would see few.
const busyAdverts = 10 * time.Millisecond

// measureBusy finds how late the better node adverts while its processors have other work as well.
func (r *repetition) measureBusy(ctx context.Context, lan *failoverLAN) (err error) {
	const loaded = time.Second
	begun := lan.client.now()
	idle, err := lan.better.keepBusy(ctx)
	if err != nil {
		return err
	}
	err = errors.Join(lan.until(ctx, begun+loaded), idle())
	if err != nil {
		return err
	}
	r.found[Busy] = outage{gap: latest(lan.client.heard.all(), lan.better.address(), lan.interval, begun, lan.client.told())}
	_, err = lan.settle(ctx, lan.better, lan.client.now()) // should the other one have taken over meanwhile
	return err
}

// latest is by how much the longest time between two adverts of a node is longer than the interval. The last one may be
// under way.
func latest(heard []advert, node netip.Addr, interval, from, to time.Duration) (late time.Duration) {
	last := from
	for _, a := range heard {
		if a.from == node && a.at > from && a.at <= to {
			late, last = max(late, a.at-last-interval), a.at
		}
	}
	return max(late, to-last-interval)
}

// keepBusy has two processes of the usual priority keep each of the node's processors busy until idle is called.
func (n *node) keepBusy(ctx context.Context) (idle func() error, err error) {
	var busy []*testbed.Cmd
	idle = func() error {
		var failed error
		for _, c := range busy {
			if err := c.Process.Kill(); err != nil {
				failed = errors.Join(failed, err)
			}
			if err := c.Wait(); err != nil && !errors.As(err, new(*exec.ExitError)) {
				failed = errors.Join(failed, err)
			}
		}
		return failed
	}
	work := n.processors.restrict([]string{"sh", "-c", "while :; do :; done"})
	for range 2 * len(n.processors) {
		c := n.host.Command(ctx, work[0], work[1:]...)
		if err := c.Start(); err != nil {
			return nil, errors.Join(fmt.Errorf("keep %s busy: %w", n.host.Name(), err), idle())
		}
		busy = append(busy, c)
	}
	return idle, nil
}
