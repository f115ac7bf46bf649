package main

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"drover/bench/testbed"
)

// start is section 2.3.3: the daemon starts on every balancer.
func (d *demo) start(ctx context.Context) error {
	d.heading("2.3.3", "Start the service")
	d.say("Each balancer has the tutorial's %s, filled in from the table in the text.", configFileName)
	d.say("The web servers hold the virtual addresses as /32 on lo, not on eth0:1 as in section 6.1: with arp_ignore=1 Linux")
	d.say("still answers ARP for an address of the interface that the question came in by, and would compete with the balancer.")
	if err := d.site.startAll(); err != nil {
		return err
	}
	for _, g := range groups() {
		for _, b := range g.members {
			d.prompt(b.name, "drover run")
		}
	}
	if err := d.settle(ctx); err != nil {
		return err
	}
	return d.site.awaitServices(ctx)
}

// settle waits until one balancer of each group has been sending alone for a while, and records which one.
func (d *demo) settle(ctx context.Context) error {
	const adverts = 3 // in a row
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	senders, inARow := map[uint8]testbed.MAC{}, map[uint8]int{}
	settled := func(g group) bool { return inARow[g.vrid] >= adverts }
	for unsettled := groups(); len(unsettled) > 0; unsettled = slices.DeleteFunc(unsettled, settled) {
		f, err := d.adverts.Next(ctx)
		if err != nil {
			return fmt.Errorf("no lasting master of %s: %w", unsettled[0].vip, err)
		}
		a, ok := readAdvert(f)
		if !ok {
			return fmt.Errorf("an advert that cannot be read: %s", f)
		}
		if senders[a.VirtualRouterID] != f.Source() {
			senders[a.VirtualRouterID], inARow[a.VirtualRouterID] = f.Source(), 0
		}
		inARow[a.VirtualRouterID]++
	}
	for _, g := range groups() {
		name := d.site.lab.HostByMAC(senders[g.vrid])
		d.show("%s is MASTER of %s", name, g.vip)
		d.same(fmt.Sprintf("master of %s", g.vip), g.master().name, name)
	}
	return nil
}

// accessVIPs is section 2.3.4: every virtual address answers, the web servers in turn.
func (d *demo) accessVIPs(ctx context.Context) error {
	d.heading("2.3.4", "Confirmation of operation")
	for _, g := range groups() {
		url := "http://" + g.vip.String() + "/"
		d.same(fmt.Sprintf("%s answers, the web servers in turn", g.vip), alternating, d.inTurn(ctx, url))
	}
	return nil
}

// alternating is the verdict of inTurn when the answers are as they should be.
const alternating = "web150 and web151 alternate"

// inTurn requests the URL a few times and says how the web servers took turns.
func (d *demo) inTurn(ctx context.Context, url string) string {
	var names []string
	turns := true
	for i := range 4 {
		d.prompt(clientName, "curl %s", url)
		who := d.get(ctx, url).who()
		d.show("%s", who)
		names = append(names, who)
		turns = turns && (i == 0 || names[i-1] != who)
	}
	if slices.Sort(names); turns && slices.Equal(slices.Compact(slices.Clone(names)), []string{"web150", "web151"}) {
		return alternating
	}
	return list(names)
}

// rebootMaster is section 2.3.5: the master is restarted while a browser reloads the page.
func (d *demo) rebootMaster(ctx context.Context) error {
	d.heading("2.3.5", "Try restarting a balancer")
	g := groups()[2]
	master := g.master()
	backup, _ := g.backup()
	reader := browse(ctx, d.client, "http://"+g.vip.String()+"/")
	defer reader.end()
	if err := reader.await(ctx, time.Now()); err != nil {
		return err
	}
	d.say("A browser reloads http://%s/ every %s.", g.vip, reloadEvery)
	d.prompt(master.name, "sudo reboot")
	d.events.masterOff = time.Now()
	d.adverts.Skip()
	if err := d.site.lab.Host(master.name).PowerOff(); err != nil {
		return err
	}
	taken, err := d.findAdvert(ctx, g, backup)
	if err != nil {
		return err
	}
	d.events.takenOver = taken.frame.Time
	d.same("the process is taken over by", backup.name, d.site.lab.HostByMAC(taken.frame.Source()))
	if err := reader.await(ctx, d.events.takenOver); err != nil {
		return fmt.Errorf("no answer after the takeover: %w", err)
	}
	answers := reader.end()
	d.showAnswers(answers, d.events.masterOff)
	d.between("longest time without an answer", 0, 4500*time.Millisecond, longestSilence(answers))
	d.same("requests that were never answered", "0", fmt.Sprint(unanswered(answers)))
	return d.masterReturns(ctx, g)
}

// masterReturns is the end of the reboot: the master is back and takes its place again.
func (d *demo) masterReturns(ctx context.Context, g group) error {
	master := g.master()
	reader := browse(ctx, d.client, "http://"+g.vip.String()+"/")
	defer reader.end()
	host := d.site.lab.Host(master.name)
	if err := host.PowerOn(); err != nil {
		return err
	}
	d.adverts.Skip()
	began := time.Now()
	if err := d.site.start(host); err != nil {
		return err
	}
	d.say("%s is on again.", master.name)
	back, err := d.findAdvert(ctx, g, master)
	if err != nil {
		return err
	}
	d.show("%s", back)
	if err := reader.await(ctx, time.Now()); err != nil {
		return fmt.Errorf("no answer after the master came back: %w", err)
	}
	answers := reader.end()
	d.same("the higher priority takes its place again", master.name, d.site.lab.HostByMAC(back.frame.Source()))
	d.between("time from its start to that", 3*time.Second, 6*time.Second, back.frame.Time.Sub(began))
	d.between("longest time without an answer meanwhile", 0, 1500*time.Millisecond, longestSilence(answers))
	d.same("requests that were never answered meanwhile", "0", fmt.Sprint(unanswered(answers)))
	return nil
}

// showAnswers prints the answers around an event.
func (d *demo) showAnswers(answers []answer, event time.Time) {
	for _, a := range answers {
		wait := a.got.Sub(a.asked)
		if a.asked.Before(event.Add(-time.Second)) {
			continue
		}
		late := ""
		if wait > 500*time.Millisecond {
			late = fmt.Sprintf("  after %s", seconds(wait))
		}
		d.show("asked %+6.2f s: %s%s", a.asked.Sub(event).Seconds(), a.who(), late)
	}
}

// pullWebServer is section 2.3.6: a web server's cable is pulled out of the switch and put back.
func (d *demo) pullWebServer(ctx context.Context) error {
	d.heading("2.3.6", "Try disconnecting the network cable from the web server")
	g := groups()[0]
	url := "http://" + g.vip.String() + "/"
	web := d.site.lab.Host("web151")
	d.prompt("lab", "pull %s", web.Name())
	d.events.webPulled = time.Now()
	if err := web.Pull(); err != nil {
		return err
	}
	down, err := d.awaitPool(ctx, web.Address(), false)
	if err != nil {
		return err
	}
	d.events.webSeenDown, d.events.webDownReason = time.Now(), down
	d.show("every master sees %s down after %s", web.Address(), seconds(time.Since(d.events.webPulled)))
	d.same("answers while web151 is unplugged", "web150", strings.Join(d.answersFrom(ctx, url), " "))

	d.prompt("lab", "plug %s", web.Name())
	d.events.webPlugged = time.Now()
	if err := web.Plug(); err != nil {
		return err
	}
	if _, err := d.awaitPool(ctx, web.Address(), true); err != nil {
		return err
	}
	d.events.webSeenUp = time.Now()
	d.show("every master sees %s up after %s", web.Address(), seconds(time.Since(d.events.webPlugged)))
	d.same("answers after it is put back", "web150 web151", strings.Join(d.answersFrom(ctx, url), " "))
	return nil
}

// answersFrom requests the URL a few times and returns who answered, each once.
func (d *demo) answersFrom(ctx context.Context, url string) []string {
	var names []string
	for range 6 {
		d.prompt(clientName, "curl %s", url)
		who := d.get(ctx, url).who()
		d.show("%s", who)
		names = append(names, who)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// neighborTable is section 2.3.7: whose MAC address stands for the virtual addresses.
func (d *demo) neighborTable(ctx context.Context) error {
	d.heading("2.3.7", "Check using the ip neigh command")
	if err := d.accessAll(ctx); err != nil {
		return err
	}
	if err := d.showNeighbors("in the ARP table"); err != nil {
		return err
	}
	d.prompt(clientName, "sudo ip neigh flush all")
	if err := d.client.FlushNeighbors(); err != nil {
		return err
	}
	d.prompt(clientName, "ip neigh")
	left, err := d.client.Neighbors()
	if err != nil {
		return err
	}
	d.same("entries after the flush", "0", fmt.Sprint(len(left)))
	if err := d.accessAll(ctx); err != nil {
		return err
	}
	return d.showNeighbors("after the flush and another access")
}

// accessAll has the client talk to every virtual address, balancer and web server, as a reader does by browser and ssh.
func (d *demo) accessAll(ctx context.Context) error {
	for _, g := range groups() {
		if a := d.get(ctx, "http://"+g.vip.String()+"/"); a.err != nil {
			return a.err
		}
		for _, b := range g.members {
			if err := d.knock(ctx, b.address); err != nil {
				return err
			}
		}
	}
	for _, web := range webServers() {
		if a := d.get(ctx, "http://"+web.Addresses[0].Addr().String()+"/"); a.err != nil {
			return a.err
		}
	}
	return nil
}

// knock sends the address a datagram, so that its hardware address is looked up; nobody needs to answer.
func (d *demo) knock(ctx context.Context, address netip.Addr) error {
	const discard = 9
	conn, err := d.client.Dial(ctx, "udp4", netip.AddrPortFrom(address, discard).String())
	if err != nil {
		return err
	}
	if _, err := conn.Write([]byte("knock")); err != nil {
		return err
	}
	if err := conn.Close(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	return testbed.Until(ctx, func() (bool, error) {
		table, err := d.client.Neighbors()
		return slices.ContainsFunc(table, func(n testbed.Neighbor) bool {
			return n.Address == address && n.MAC != testbed.MAC{}
		}), err
	})
}

// showNeighbors prints the client's neighbor table and records for every virtual address the balancer behind it: the
// one whose own address has the same MAC address.
func (d *demo) showNeighbors(when string) error {
	d.prompt(clientName, "ip neigh")
	table, err := d.client.Neighbors()
	if err != nil {
		return err
	}
	slices.SortFunc(table, func(a, b testbed.Neighbor) int { return a.Address.Compare(b.Address) })
	byAddress := map[netip.Addr]testbed.MAC{}
	for _, n := range table {
		d.show("%s dev %s lladdr %s %s", n.Address, n.Interface, n.MAC, n.State)
		byAddress[n.Address] = n.MAC
	}
	for _, g := range groups() {
		seen := []string{}
		for _, member := range g.members {
			if byAddress[member.address] == byAddress[g.vip] {
				seen = append(seen, member.name)
			}
		}
		d.same(fmt.Sprintf("%s %s has the MAC address of", g.vip, when), g.master().name, list(seen))
	}
	return nil
}
