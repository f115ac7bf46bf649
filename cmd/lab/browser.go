package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"drover/bench/testbed"
)

const (
	// reloadEvery is how often a reader presses reload.
	reloadEvery = 200 * time.Millisecond
	// patience is how long a request waits for its answer: a SYN is sent again after 1, 3 and 7 s.
	patience = 15 * time.Second
)

// answer is what came of a request.
type answer struct {
	asked, got time.Time
	server     string // the name that the web server answered with
	err        error
}

// who is the server, or why there is none.
func (a answer) who() string {
	if a.err != nil {
		return "no answer: " + a.err.Error()
	}
	return a.server
}

// get requests the URL from the host over a connection of its own, as curl does.
func get(ctx context.Context, from *testbed.Host, url string) answer {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	client := http.Client{Transport: &http.Transport{DialContext: from.Dial, DisableKeepAlives: true}}
	a := answer{asked: time.Now()}
	a.server, a.err = fetch(ctx, client, url)
	a.got = time.Now()
	return a
}

func fetch(ctx context.Context, client http.Client, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	request.Header.Set("User-Agent", "lab")
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %s", response.Status)
	}
	return strings.TrimSpace(string(body)), nil
}

// browser presses reload on a page at a steady pace, whether earlier requests are answered or not.
type browser struct {
	stop func()
	done chan struct{}

	mu      sync.Mutex
	answers []answer
}

func browse(ctx context.Context, from *testbed.Host, url string) *browser {
	pressing, stop := context.WithCancel(ctx)
	b := &browser{stop: stop, done: make(chan struct{})}
	go func() {
		defer close(b.done)
		var requests sync.WaitGroup
		defer requests.Wait()
		tick := time.NewTicker(reloadEvery)
		defer tick.Stop()
		for {
			requests.Go(func() { b.add(get(ctx, from, url)) })
			select {
			case <-tick.C:
			case <-pressing.Done():
				return
			}
		}
	}()
	return b
}

func (b *browser) add(a answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answers = append(b.answers, a)
}

// await waits until a request that was made after the time is answered.
func (b *browser) await(ctx context.Context, after time.Time) error {
	return testbed.Until(ctx, func() (bool, error) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return slices.ContainsFunc(b.answers, func(a answer) bool { return a.err == nil && a.asked.After(after) }), nil
	})
}

// end stops pressing, waits for the answers that are due, and returns all in the order of the requests.
func (b *browser) end() []answer {
	b.stop()
	<-b.done
	slices.SortFunc(b.answers, func(x, y answer) int { return x.asked.Compare(y.asked) })
	return b.answers
}

// unanswered counts the requests that failed for good.
func unanswered(answers []answer) (count int) {
	for _, a := range answers {
		if a.err != nil {
			count++
		}
	}
	return count
}

// longestSilence is the longest time in which no answer arrived.
func longestSilence(answers []answer) (longest time.Duration) {
	var last time.Time
	arrived := slices.SortedFunc(slices.Values(answers), func(x, y answer) int { return x.got.Compare(y.got) })
	for _, a := range arrived {
		if a.err != nil {
			continue
		}
		if !last.IsZero() {
			longest = max(longest, a.got.Sub(last))
		}
		last = a.got
	}
	return longest
}
