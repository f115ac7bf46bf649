package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"path/filepath"
	"time"

	"drover/bench/testbed"
)

// demo walks through the tutorial. Its methods are the tutorial's sections; each records what it saw with the narrator
// and fails only when it cannot go on.
type demo struct {
	*narrator
	site    *site
	client  *testbed.Host
	wire    *testbed.Watch // every frame
	adverts *testbed.Watch // the VRRP frames; their reader is the demo, in order
	events  events
}

// events are the moments that later sections look back at, as the tutorial does with its capture file.
type events struct {
	masterOff, takenOver   time.Time // 2.3.5
	webPulled, webPlugged  time.Time // 2.3.6
	webSeenDown, webSeenUp time.Time
	webDownReason          string
}

// stepTimeout bounds the wait for anything that must happen; it is far beyond what any step may take.
const stepTimeout = 20 * time.Second

func demoCommand(ctx context.Context, env environment, args []string) (err error) {
	flags := flag.NewFlagSet("demo", flag.ContinueOnError)
	flags.SetOutput(env.stderr)
	drover := flags.String("drover", "", "the drover binary (default: beside lab)")
	pcap := flags.String("pcap", "", "where to write the capture (default: .lab/demo.pcapng here, or in a temporary directory)")
	if err := flags.Parse(args); err != nil || flags.NArg() > 0 {
		return errUsage
	}
	capture, err := captureFile(*pcap)
	if err != nil {
		return err
	}
	logs := filepath.Dir(capture)
	log := slog.New(slog.NewTextHandler(env.stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	s, err := buildSite(siteOptions{drover: *drover, logs: logs, log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	d, err := newDemo(s, newNarrator(env.stdout), capture)
	if err != nil {
		return err
	}
	d.say("This is lab %s. Its switch's mirror port is written to %s.", s.lab.ID(), capture)
	if err := d.walk(ctx); err != nil {
		return fmt.Errorf("section %s: %w (capture and logs are in %s)", d.section, err, logs)
	}
	differ := d.summarize()
	d.say("\nEvery frame is in %s (wireshark, tshark or tcpdump -r read it); the hosts' logs are beside it.", capture)
	if differ > 0 {
		return fmt.Errorf("%d steps differ from the tutorial", differ)
	}
	return nil
}

// captureFile returns the absolute path of the capture and makes its directory.
func captureFile(wanted string) (string, error) {
	if wanted == "" {
		dir, err := outputDir("")
		return filepath.Join(dir, "demo.pcapng"), err
	}
	dir, err := outputDir(filepath.Dir(wanted))
	return filepath.Join(dir, filepath.Base(wanted)), err
}

// newDemo starts to look at the network before anything runs on it.
func newDemo(s *site, n *narrator, capture string) (d *demo, err error) {
	d = &demo{narrator: n, site: s, client: s.lab.Host(clientName)}
	if _, err := s.lab.Mirror(capture); err != nil { // ends with the lab
		return nil, err
	}
	if d.wire, err = s.lab.Watch(nil); err != nil {
		return nil, err
	}
	if d.adverts, err = s.lab.Watch(isVRRP); err != nil {
		return nil, err
	}
	return d, nil
}

// walk goes through the sections in the order of the tutorial.
func (d *demo) walk(ctx context.Context) error {
	for _, section := range []func(context.Context) error{
		d.start,          // 2.3.3
		d.accessVIPs,     // 2.3.4
		d.rebootMaster,   // 2.3.5
		d.pullWebServer,  // 2.3.6
		d.neighborTable,  // 2.3.7
		d.vrrpPackets,    // 3.1
		d.vipAssignment,  // 3.2.1
		d.takeover,       // 4.1
		d.sameFrameTwice, // 4.2
		d.checkRequests,  // 5.1
		d.oneWay,         // 5.2
		d.recovery,       // 5.3
		d.reverseProxy,   // 6.2
		d.stop,           // the end
	} {
		if err := section(ctx); err != nil {
			return err
		}
	}
	return nil
}

// findAdvert waits for the balancer's next advert for the group. An advert that the demo has passed does not count.
func (d *demo) findAdvert(ctx context.Context, g group, b balancer) (advert, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	f, err := d.adverts.Find(ctx, func(f testbed.Frame) bool {
		a, ok := readAdvert(f)
		return ok && a.of(g, b)
	})
	if err != nil {
		return advert{}, fmt.Errorf("no advert of %s for virtual router %d: %w", b.name, g.vrid, err)
	}
	a, _ := readAdvert(f)
	return a, nil
}

// get requests a page from the client's machine.
func (d *demo) get(ctx context.Context, url string) answer { return get(ctx, d.client, url) }

// name returns the host that has the hardware address, with its address.
func (d *demo) name(mac testbed.MAC) string {
	for _, h := range d.site.lab.Hosts() {
		if h.MAC() == mac {
			return fmt.Sprintf("%s (%s)", h.Name(), h.Address())
		}
	}
	return mac.String()
}
