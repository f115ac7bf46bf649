package main

import (
	"context"
	"fmt"
	"time"
)

// vrrpPackets is section 3.1: the contents of the VRRP packets, seen from the client's machine.
func (d *demo) vrrpPackets(ctx context.Context) error {
	d.heading("3.1", "Check the contents of VRRP packets")
	d.prompt(clientName, "sudo tcpdump -e -n vrrp   (decoded here, with MAC address and password)")
	d.adverts.Skip()
	for _, g := range groups() {
		master := g.master()
		a, err := d.findAdvert(ctx, g, master)
		if err != nil {
			return err
		}
		d.show("%s", a)
		describe := func(mac, address fmt.Stringer, vrid, priority uint8, password string) string {
			return fmt.Sprintf("%s %s vrid %d prio %d %s", mac, address, vrid, priority, password)
		}
		d.same("advert for "+g.vip.String(),
			describe(master.mac, master.address, g.vrid, master.priority, g.password),
			describe(a.frame.Source(), a.from, a.VirtualRouterID, a.Priority, a.password()))
	}
	d.say("While web151 was unplugged (2.3.6):")
	for _, g := range groups() {
		adverts := advertsIn(d.wire.Seen(), g, d.events.webPulled, d.events.webPlugged)
		senders, longest := summarize(adverts, d)
		d.show("virtual router %d: %d adverts, all from %s", g.vrid, len(adverts), list(senders))
		d.record(fmt.Sprintf("adverts for %s while web151 is unplugged", g.vip),
			"from "+g.master().name+", every 1 s",
			fmt.Sprintf("from %s, at most %s apart", list(senders), seconds(longest)),
			list(senders) == g.master().name && longest < 1500*time.Millisecond)
	}
	return nil
}

// summarize returns the names of the adverts' senders in order, each change once, and the longest pause between two.
func summarize(adverts []advert, d *demo) (senders []string, longest time.Duration) {
	for i, a := range adverts {
		name := d.site.lab.HostByMAC(a.frame.Source())
		if len(senders) == 0 || senders[len(senders)-1] != name {
			senders = append(senders, name)
		}
		if i > 0 {
			longest = max(longest, a.frame.Time.Sub(adverts[i-1].frame.Time))
		}
	}
	return senders, longest
}

// vipAssignment is section 3.2.1: which balancer of a pair holds the virtual address.
func (d *demo) vipAssignment(context.Context) error {
	d.heading("3.2.1", "Check the status of virtual IP address assignment")
	for _, g := range groups() {
		holders := []string{}
		for _, b := range g.members {
			if err := d.showAddresses(b); err != nil {
				return err
			}
			holds, err := d.site.lab.Host(b.name).Holds(g.vip)
			if err != nil {
				return err
			}
			if holds {
				holders = append(holders, b.name)
			}
		}
		d.same(fmt.Sprintf("%s is assigned to", g.vip), g.master().name, list(holders))
	}
	master := d.site.lab.Host(groups()[2].master().name)
	d.prompt(master.Name(), "ip neigh")
	table, err := master.Neighbors()
	if err != nil {
		return err
	}
	for _, n := range table {
		d.show("%s dev %s lladdr %s %s", n.Address, n.Interface, n.MAC, n.State)
	}
	return nil
}

// showAddresses prints what `ip addr` on the balancer does.
func (d *demo) showAddresses(b balancer) error {
	d.prompt(b.name, "ip addr show dev enp1s0")
	interfaces, err := d.site.lab.Host(b.name).Interfaces()
	if err != nil {
		return err
	}
	for _, i := range interfaces {
		if i.Name != "enp1s0" {
			continue
		}
		d.show("%s link/ether %s", i.Name, i.MAC)
		for _, prefix := range i.Addresses {
			d.show("    inet %s", prefix)
		}
	}
	return nil
}
