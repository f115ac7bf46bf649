package dataplane

import (
	"maps"
	"testing"
	"time"
)

func TestFlowsCountsTheLiveOnesOfEachRealServer(t *testing.T) {
	p := newPlane(t, Options{})
	for _, frame := range [][]byte{
		tcp("203.0.113.7:1", web, syn), tcp("203.0.113.7:1", web, ack), // real server 1, established
		tcp("203.0.113.7:2", web, syn),                                 // 2, opening
		tcp("203.0.113.7:3", web, syn), tcp("203.0.113.7:3", web, rst), // 1, closing
		udp("203.0.113.7:4", dns), // 3
	} {
		p.run(frame)
	}
	for _, c := range []struct {
		name string
		idle time.Duration
		want map[RealID]FlowCounts
	}{
		{"fresh", 0, map[RealID]FlowCounts{1: {1, 1}, 2: {0, 1}, 3: {1, 0}}},
		{"a packet came while the table was read", -2 * time.Second, map[RealID]FlowCounts{1: {1, 1}, 2: {0, 1}, 3: {1, 0}}},
		{"past the embryonic timeout", 61 * time.Second, map[RealID]FlowCounts{1: {1, 1}, 3: {1, 0}}},
		{"past the closing timeout", 121 * time.Second, map[RealID]FlowCounts{1: {1, 0}, 3: {1, 0}}},
		{"past the UDP timeout", 301 * time.Second, map[RealID]FlowCounts{1: {1, 0}}},
		{"past the established timeout", 901 * time.Second, map[RealID]FlowCounts{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			p.idle(c.idle)
			got, err := p.Flows()
			must(t, err)
			if !maps.Equal(got, c.want) {
				t.Errorf("it counts %v, want %v", got, c.want)
			}
		})
	}
}

func TestTimeoutsReachTheProgramAndTheCount(t *testing.T) {
	short := Timeouts{Embryonic: 40 * time.Millisecond, Established: time.Hour, Closing: time.Hour, UDP: time.Hour}
	p := newPlane(t, Options{Timeouts: short})
	p.expect(tcp(client, web, syn), opened(1))
	eventually(t, "the flow expires", func() bool {
		counts, err := p.Flows()
		must(t, err)
		return len(counts) == 0
	})
	p.expect(tcp(client, web, syn), opened(2))
	p.expect(tcp(client, web, ack), kept(2))
}
