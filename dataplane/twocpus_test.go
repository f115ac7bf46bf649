package dataplane

import (
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// together calls do(0, n) on CPU 0 and do(1, n) on CPU 1 at the same moment, for every n in turn.
func together(t *testing.T, times int, do func(cpu, n int) error) {
	t.Helper()
	if runtime.NumCPU() < 2 {
		skip(t, "needs two CPUs")
	}
	var (
		arrived [2]atomic.Int64
		failed  atomic.Bool
		done    sync.WaitGroup
		errs    [2]error
	)
	for cpu := range 2 {
		done.Go(func() {
			runtime.LockOSThread() // for good: the thread ends here, and its affinity with it
			var on unix.CPUSet
			on.Set(cpu)
			errs[cpu] = unix.SchedSetaffinity(0, &on)
			for n := 0; n < times && errs[cpu] == nil && !failed.Load(); n++ {
				arrived[cpu].Store(int64(n + 1))
				for arrived[1-cpu].Load() <= int64(n) && !failed.Load() {
				}
				errs[cpu] = do(cpu, n)
			}
			if errs[cpu] != nil {
				failed.Store(true)
			}
		})
	}
	done.Wait()
	must(t, errors.Join(errs[:]...))
}

// sendFrom returns a function that sends a SYN of a client to the web service and tells which real server got it.
func (p *plane) sendFrom() func(from netip.AddrPort) (RealID, error) {
	to := netip.MustParseAddrPort(web)
	return func(from netip.AddrPort) (RealID, error) {
		action, out, err := runFrame(p.program, tcpFrom(from, to, syn))
		if err == nil && action != xdpTX {
			err = fmt.Errorf("the SYN of %s ends in %s", from, actionName(action))
		}
		if err != nil {
			return 0, err
		}
		return RealID(out[4])<<8 | RealID(out[5]), nil
	}
}

func TestTwoCPUsThatMeetTheSameConnectionAgree(t *testing.T) {
	const connections = 20_000
	p := newPlane(t, Options{Sizes: Sizes{Flows: 8 * connections}})
	send := p.sendFrom()
	var got [2][connections]RealID
	together(t, connections, func(cpu, n int) (err error) {
		got[cpu][n], err = send(nthClient(n))
		return err
	})

	stored := p.stored()
	for n := range connections {
		flow, there := stored[p.flowKey(nthClient(n), tcpService(web))]
		if got[0][n] != got[1][n] || !there || flow.real != got[0][n] {
			t.Fatalf("connection %d: CPU 0 sent it to %d, CPU 1 to %d, the table says %d", n, got[0][n], got[1][n], flow.real)
		}
	}
	p.expectTrueLoads()
	verdicts, err := p.Verdicts()
	must(t, err)
	t.Logf("%d of %d connections were new to both CPUs", verdicts[ForwardNew]-connections, connections)
}

func TestTwoCPUsThatShareASetKeepTheirConnections(t *testing.T) {
	p := newPlane(t, Options{})
	_, clients := p.neighbors(slotsPerSet)
	for id := range RealID(3) { // a server that looks silent would lose the SYNs that are sent again
		p.answeredAt(id, p.now().after(time.Hour))
	}
	send := p.sendFrom()
	first := make([]atomic.Uint32, len(clients))
	together(t, 20_000, func(cpu, n int) error {
		c := (n + cpu) % len(clients)
		real, err := send(clients[c])
		if err != nil {
			return err
		}
		if first[c].CompareAndSwap(0, uint32(real)); first[c].Load() != uint32(real) {
			return fmt.Errorf("packet %d of %s went to %d, earlier ones to %d", n, clients[c], real, first[c].Load())
		}
		return nil
	})
	if n := len(p.stored()); n != len(clients) {
		t.Errorf("%d flows are in the table, want %d", n, len(clients))
	}
	p.expectTrueLoads()
}

func TestTwoCPUsThatFightOverASetLeaveItWhole(t *testing.T) {
	p := newPlane(t, Options{})
	set, clients := p.neighbors(3 * slotsPerSet)
	send := p.sendFrom()
	together(t, 20_000, func(cpu, n int) error {
		_, err := send(clients[(n*5+cpu*7)%len(clients)])
		return err
	})

	known := make(map[string]bool)
	for _, c := range clients {
		known[fmt.Sprint(p.flowKey(c, tcpService(web)))] = true
	}
	stored := p.stored() // fails on a connection that is stored twice
	for key, flow := range stored {
		if !known[fmt.Sprint(key)] || flow.set != set || flow.state != FlowEmbryonic || flow.real < 1 || flow.real > 2 {
			t.Errorf("the table holds %v as %+v", key, flow)
		}
	}
	if len(stored) != slotsPerSet {
		t.Errorf("%d flows are in the set, want %d", len(stored), slotsPerSet)
	}
	p.expectTrueLoads()
}

// TestTwoCPUsCountWhatTheyOpenAndClose has connections live and end on both at once, and one of them sweeps in between.
func TestTwoCPUsCountWhatTheyOpenAndClose(t *testing.T) {
	p := newPlane(t, Options{})
	to := netip.MustParseAddrPort(web)
	flags := [...]byte{syn, ack, psh | ack, syn, fin | ack, rst, ack}
	together(t, 30_000, func(cpu, n int) error {
		_, _, err := runFrame(p.program, tcpFrom(nthClient((n*3+cpu)%2000), to, flags[(n/50+cpu)%len(flags)]))
		if err == nil && cpu == 0 && n%1000 == 0 {
			_, err = p.Sweep()
		}
		return err
	})
	p.expectTrueLoads()
	p.idle(time.Hour)
	p.sweep()
	if left := p.counted(); len(left) != 0 {
		t.Errorf("after all have expired %v are counted", left)
	}
}
