package ctrl

import (
	"context"
	"errors"
	"log/slog"
	"os/exec"
	"testing"
	"time"

	"drover/ctrl/config"
)

// startScript starts a shell script in the place of the process of VRRP.
func startScript(t *testing.T, script string, hear func(news)) *vrrpProcess {
	t.Helper()
	p, err := startVRRP(slog.New(slog.DiscardHandler), exec.Command("sh", "-c", script), nil, hear)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestTheEndOfTheProcessOfVRRPIsNoticed(t *testing.T) {
	for name, test := range map[string]struct {
		script string
		end    func(*vrrpProcess) error
		fails  bool
	}{
		"by itself":                       {"exit 0", func(p *vrrpProcess) error { <-p.ended; return p.err }, false},
		"by itself, with an error":        {"exit 1", func(p *vrrpProcess) error { <-p.ended; return p.err }, true},
		"by itself, and is then asked to": {"exit 0", func(p *vrrpProcess) error { <-p.ended; return p.end() }, false},
		"with nonsense":                   {"echo hello; cat >/dev/null", func(p *vrrpProcess) error { <-p.ended; return p.err }, true},
		"because it is asked to":          {"cat >/dev/null", (*vrrpProcess).end, false},
	} {
		t.Run(name, func(t *testing.T) {
			p := startScript(t, test.script, func(news) {})
			if err := test.end(p); (err != nil) != test.fails {
				t.Errorf("it ends with %v, want an error: %v", err, test.fails)
			}
			if err := p.refresh(t.Context()); !errors.Is(err, errStopping) {
				t.Errorf("asking it says %v, want %v", err, errStopping)
			}
		})
	}
}

func TestAProcessOfVRRPThatHangsIsKilled(t *testing.T) {
	p := startScript(t, "exec sleep 1000", func(news) {})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	heartbeats := make(chan time.Time)
	go func() {
		for {
			select {
			case heartbeats <- time.Time{}:
			case <-ctx.Done():
				return
			}
		}
	}()
	p.watch(ctx, heartbeats)
	<-p.ended
	if p.err == nil {
		t.Error("its end is no error")
	}
}

func TestWhatTheProcessOfVRRPTellsReachesItsCandidate(t *testing.T) {
	heard := make(chan news, 1)
	const script = `read add; read ask
		echo '{"Status":{"ID":1,"Status":{"State":2,"Priority":9}}}'
		echo '{"Status":{"ID":99,"Status":{"State":2}}}' '{"Done":{"ID":99}}' '{"Answered":{"Number":99}}' '{}'
		echo '{"Answered":{"Number":1}}'
		echo '{"Changed":{"ID":1}}' '{"Done":{"ID":1}}'
		cat >/dev/null`
	p := startScript(t, script, func(n news) {
		if n != (news{}) {
			heard <- n
		}
	})
	c := p.add(config.Instance{Name: "SERVICE", Priority: 11}, 1)
	if got := c.status(); got.priority != 11 || got.reason != "starting" {
		t.Errorf("before anything is told the status is %+v", got)
	}
	if err := p.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.status(); got.priority != 9 || got.state.String() != "MASTER" {
		t.Errorf("the status is %+v", got)
	}
	if n := <-heard; n.Changed == nil || n.Changed.ID != c.id {
		t.Errorf("heard %+v", n)
	}
	<-c.done
	if err := p.end(); err != nil {
		t.Error(err)
	}
}
