package ctrl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"drover/ctrl/config"
	"drover/dataplane"
)

// vrrpProcess is the controller's end of the process that holds the elections, see RunVRRP.
type vrrpProcess struct {
	log    *slog.Logger
	run    *exec.Cmd
	orders io.Closer // the pipe to it
	out    *outbox
	ended  chan struct{} // closed when the process has ended
	err    error         // why; to be read once ended is closed
	// hear is given what is not about the status or the end of a candidate. It must not wait.
	hear    func(news)
	silence atomic.Int32 // heartbeats without news

	mu         sync.Mutex
	candidates map[candidateID]*candidate
	last       candidateID
	asked      uint64
	answers    map[uint64]chan struct{} // each closed when the answer is there
}

// errVRRPEnded is the end of the process of VRRP that nobody asked for.
var errVRRPEnded = errors.New("the process of VRRP has ended")

// startVRRP starts the process, with the files of its gates.
func startVRRP(log *slog.Logger, run *exec.Cmd, gates []*os.File, hear func(news)) (*vrrpProcess, error) {
	run.ExtraFiles = gates
	orders, err := run.StdinPipe()
	if err != nil {
		return nil, err
	}
	from, err := run.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, orders.Close())
	}
	if err := run.Start(); err != nil {
		return nil, err
	}
	p := &vrrpProcess{
		log: log, run: run, orders: orders, out: newOutbox(orders), ended: make(chan struct{}), hear: hear,
		candidates: make(map[candidateID]*candidate), answers: make(map[uint64]chan struct{}),
	}
	go p.attend(from)
	return p, nil
}

// attend writes orders and hears news until the process has ended, whoever ends it.
func (p *vrrpProcess) attend(from io.Reader) {
	defer close(p.ended)
	ctx, stop := context.WithCancel(context.Background())
	writing := make(chan error, 1)
	go func() { writing <- p.out.run(ctx, heartbeat, order{}) }()
	heartbeats := time.NewTicker(heartbeat)
	defer heartbeats.Stop()
	go p.watch(ctx, heartbeats.C)
	reading := readMessages(from, p.take)
	stop()
	closing := p.closeOrders() // should it go on although it has nothing more to say
	wrote := <-writing
	if errors.Is(wrote, syscall.EPIPE) || errors.Is(wrote, os.ErrClosed) { // which says that it has ended
		wrote = nil
	}
	p.err = errors.Join(reading, closing, wrote, p.run.Wait())
}

// readMessages has the messages of another process taken until there are no more.
func readMessages[message any](from io.Reader, take func(message)) error {
	decoder := json.NewDecoder(from)
	for {
		var m message
		switch err := decoder.Decode(&m); {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrClosed):
			return nil
		case err != nil:
			return fmt.Errorf("read what the other process says: %w", err)
		}
		take(m)
	}
}

// watch kills a process that hangs: the daemon that is started anew goes on.
func (p *vrrpProcess) watch(ctx context.Context, heartbeats <-chan time.Time) {
	const patience = 2 * longSilence // it never waits for a busy CPU, but the hearing of it may
	for p.silence.Add(1) <= patience {
		select {
		case <-heartbeats:
		case <-ctx.Done():
			return
		}
	}
	p.log.Error("the process of VRRP hangs and is killed", "silent_for", patience*heartbeat)
	if err := p.run.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		p.log.Error("the process of VRRP cannot be killed", "error", err)
	}
}

func (p *vrrpProcess) take(n news) {
	p.silence.Store(0)
	switch {
	case n.Status != nil:
		p.with(n.Status.ID, func(c *candidate) { c.update(n.Status.Status) })
	case n.Done != nil:
		p.with(n.Done.ID, func(c *candidate) {
			delete(p.candidates, c.id)
			close(c.done)
		})
	case n.Answered != nil:
		p.mu.Lock()
		defer p.mu.Unlock()
		if answer := p.answers[n.Answered.Number]; answer != nil {
			delete(p.answers, n.Answered.Number)
			close(answer)
		}
	default:
		p.hear(n)
	}
}

func (p *vrrpProcess) with(id candidateID, do func(*candidate)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.candidates[id]; c != nil {
		do(c)
	}
}

// add makes a router in the process. It does nothing before it is started.
func (p *vrrpProcess) add(i config.Instance, gate dataplane.GateID) *candidate {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last++
	c := newCandidate(p.last, i, p.send)
	p.candidates[c.id] = c
	p.send(order{Add: &addOrder{c.id, i, gate}})
	return c
}

func (p *vrrpProcess) send(o order) { p.out.send(o) }

// follow makes the instances be in these sync groups from now on.
func (p *vrrpProcess) follow(sets []setOrder) { p.send(order{Follow: &followOrder{sets}}) }

// stop is elections.stop.
func (p *vrrpProcess) stop(leaving []*candidate, deleted bool) {
	var ids []candidateID
	for _, c := range leaving {
		ids = append(ids, c.id)
	}
	p.send(order{Stop: &stopOrder{ids, deleted}})
}

// refresh waits until the status of every candidate is as it is now.
func (p *vrrpProcess) refresh(ctx context.Context) error {
	answer := make(chan struct{})
	p.mu.Lock()
	p.asked++
	number := p.asked
	p.answers[number] = answer
	p.mu.Unlock()
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.answers, number)
	}()
	p.send(order{Ask: &askOrder{number}})
	select {
	case <-answer:
		return nil
	case <-p.ended:
		return errStopping
	case <-ctx.Done():
		return ctx.Err()
	}
}

// end has the process end, which gives nothing up that its routers have, and waits for it.
func (p *vrrpProcess) end() error {
	err := p.closeOrders()
	<-p.ended
	return errors.Join(err, p.err)
}

// closeOrders tells the process to end. It may be called again.
func (p *vrrpProcess) closeOrders() error {
	if err := p.orders.Close(); !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}
