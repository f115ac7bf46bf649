package ctrl

import (
	"testing"
	"time"

	"drover/ctrl/netif"
	"drover/ctrl/vrrp"
)

func TestABucketLetsAShareThrough(t *testing.T) {
	for name, test := range map[string]struct {
		instances int
		every     time.Duration // an advert comes
		during    time.Duration
		want      int
	}{
		"all of one master's at 10 ms":             {1, 10 * time.Millisecond, 10 * time.Second, 1000},
		"all of 255 pairs of masters at 10 ms":     {255, 10 * time.Millisecond / 510, time.Second, 51_003},
		"of a flood what a socket holds, and 2200": {1, 10 * time.Microsecond, time.Second, advertsAtOnce + 2200},
	} {
		t.Run(name, func(t *testing.T) {
			var b bucket
			let := 0
			for at := time.Duration(0); at < test.during; at += test.every {
				if b.take(noon.Add(at), test.instances) {
					let++
				}
			}
			if let < test.want-1 || let > test.want+1 {
				t.Errorf("%d adverts were let through, want %d", let, test.want)
			}
		})
	}
	b := bucket{}
	for range advertsAtOnce {
		b.take(noon, 1)
	}
	if b.take(noon.Add(-time.Hour), 1) {
		t.Error("a clock that goes back fills it")
	}
}

// Of a flood the elections hear a share; the rest is counted by each instance on the interface, and those that are to be
// heard again are.
func TestAFloodIsHeardInPart(t *testing.T) {
	p := newPolls(t)
	other := plainInstance()
	other.VirtualRouterID, other.Interface = 111, "absent1"
	r, elsewhere := p.take(p.add(plainInstance()), fitness{}), p.take(p.add(other), fitness{})
	socket := p.listen(absent)
	stray := advertOf(t, 110, 5)
	stray.TTL = 1
	const more = 3000
	flood := make([]netif.Packet, advertsAtOnce+more)
	for n := range flood {
		flood[n] = stray
	}
	socket.put(flood...)
	counted := func() (heard, lost uint64) {
		d := r.status().dropped
		return d[vrrp.DropTTL], d[dropFlood]
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); {
		p.turnAll()
		if heard, lost := counted(); heard+lost == uint64(len(flood)) {
			break
		}
	}
	if heard, lost := counted(); heard+lost != uint64(len(flood)) || lost == 0 {
		t.Errorf("%d were heard and %d lost, want %d together, some of them lost", heard, lost, len(flood))
	}
	if n := elsewhere.status().dropped[dropFlood]; n != 0 {
		t.Errorf("an instance of another interface has lost %d", n)
	}
	for end := time.Now().Add(10 * time.Second); r.status().master != advertOf(t, 110, 12).Source && time.Now().Before(end); {
		socket.put(advertOf(t, 110, 12))
		if err := p.wait(floodPause); err != nil {
			t.Fatal(err)
		}
		p.turnAll()
	}
	if r.status().master != advertOf(t, 110, 12).Source {
		t.Error("after the flood nothing is heard")
	}
}
