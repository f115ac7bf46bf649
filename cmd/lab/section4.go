package main

import (
	"context"
	"net/netip"
	"slices"
	"time"

	"drover/bench/testbed"
)

// takeover is section 4.1: the takeover of 2.3.5 in the stream of adverts.
func (d *demo) takeover(context.Context) error {
	d.heading("4.1", "Basic VRRP operation (L2 level)")
	g := groups()[2]
	master := g.master()
	backup, _ := g.backup()
	const margin = 1500 * time.Millisecond
	around := advertsIn(d.wire.Seen(), g, d.events.masterOff.Add(-margin), d.events.takenOver.Add(margin))
	d.say("wireshark: vrrp and vrrp.auth_string == %s   (times from the moment %s lost power)", g.password, master.name)
	for _, a := range around {
		d.show("%+7.3f s %s", a.frame.Time.Sub(d.events.masterOff).Seconds(), a)
	}
	senders, silence := summarize(around, d)
	d.same("who sends, before and after", master.name+" "+backup.name, list(senders))
	d.between("from loss of power to the first advert of "+backup.name, 2900*time.Millisecond, 4100*time.Millisecond,
		d.events.takenOver.Sub(d.events.masterOff))
	d.between("longest pause between two adverts", 3*time.Second, 4100*time.Millisecond, silence)
	return nil
}

// sameFrameTwice is section 4.2: the request that failed, its repetition, and the same packet once more from the
// balancer to the web server.
func (d *demo) sameFrameTwice(context.Context) error {
	d.heading("4.2", "HTTP protocol behavior (L7 level)")
	g := groups()[2]
	d.say("wireshark: ip.addr == %s and tcp.flags.syn == 1", g.vip)
	story := findStory(d.wire.Seen(), g, d.client.MAC(), d.events)
	for _, line := range []struct {
		what string
		f    *testbed.Frame
	}{
		{"No. 2601, lost", story.lost}, {"No. 2680, the same, sent again", story.again},
		{"No. 2681, the balancer sends it on", story.onward}, {"No. 2682, the web server answers", story.reply},
	} {
		if line.f != nil {
			d.show("%-35s %s > %s  %s", line.what, d.name(line.f.Source()), d.name(line.f.Destination()), line.f)
		}
	}
	backup, _ := g.backup()
	web := func(f *testbed.Frame, mac func(testbed.Frame) testbed.MAC) string {
		if f == nil {
			return "not seen"
		}
		return d.site.lab.HostByMAC(mac(*f))
	}
	d.same("the connection attempt goes to", g.master().name, web(story.lost, testbed.Frame.Destination))
	d.same("its retransmission goes to", backup.name, web(story.again, testbed.Frame.Destination))
	d.same("the same packet comes out of", backup.name, web(story.onward, testbed.Frame.Source))
	server := web(story.onward, testbed.Frame.Destination)
	d.record("and goes to", "a web server", server, slices.Contains([]string{"web150", "web151"}, server))
	d.same("which answers the client itself", server, web(story.reply, testbed.Frame.Source))
	return nil
}

// story are the four frames of section 4.2, nil where one is not in the capture.
type story struct {
	lost, again, onward, reply *testbed.Frame
}

// findStory looks for a connection attempt that began when the master had just lost its power.
func findStory(frames []testbed.Frame, g group, client testbed.MAC, when events) (s story) {
	backup, _ := g.backup()
	for i, f := range frames {
		if f.Time.Before(when.masterOff) || f.Destination() != g.master().mac || !isAttempt(f, client, g.vip) {
			continue
		}
		s = story{lost: &frames[i]}
		for j := i + 1; j < len(frames); j++ {
			s.advance(&frames[j], g, backup)
		}
		if s.reply != nil {
			return s
		}
	}
	return s
}

// advance takes the frame if it is the next one of the story.
func (s *story) advance(f *testbed.Frame, g group, backup balancer) {
	switch {
	case s.again == nil:
		if f.Destination() == backup.mac && f.Source() == s.lost.Source() && sameSegment(*f, *s.lost) {
			s.again = f
		}
	case s.onward == nil:
		if f.Source() == backup.mac && f.SameIP(*s.again) {
			s.onward = f
		}
	case s.reply == nil:
		if f.Source() == s.onward.Destination() && answers(*f, *s.again, g.vip) {
			s.reply = f
		}
	}
}

// isAttempt reports whether the client asks for a connection to the virtual address.
func isAttempt(f testbed.Frame, client testbed.MAC, vip netip.Addr) bool {
	tcp, ok := f.TCP()
	return ok && tcp.SYN && !tcp.ACK && f.Source() == client && talksTo(f, vip)
}

// sameSegment reports whether both frames belong to the same place of the same TCP stream.
func sameSegment(a, b testbed.Frame) bool {
	x, isTCP := a.TCP()
	y, isTCPToo := b.TCP()
	return isTCP && isTCPToo && x.SrcPort == y.SrcPort && x.DstPort == y.DstPort && x.Seq == y.Seq && x.SYN == y.SYN
}

// answers reports whether the frame is the SYN-ACK to the attempt, from the virtual address.
func answers(f, attempt testbed.Frame, vip netip.Addr) bool {
	reply, isTCP := f.TCP()
	asked, isTCPToo := attempt.TCP()
	ip, _ := f.IP()
	return isTCP && isTCPToo && reply.SYN && reply.ACK && ip.Source == vip &&
		reply.DstPort == asked.SrcPort && reply.Ack == asked.Seq+1
}
