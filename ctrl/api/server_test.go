package api

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// daemon serves handlers on a socket until the test or stop ends it.
type daemon struct {
	socket string
	stop   context.CancelFunc
	ended  chan error // what Serve returned
}

func serve(t *testing.T, handlers Handlers) *daemon {
	t.Helper()
	d := &daemon{socket: filepath.Join(t.TempDir(), "run", "drover.sock"), ended: make(chan error, 1)}
	listener, err := Listen(d.socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	go func() { d.ended <- Serve(ctx, listener, handlers, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(stop)
	return d
}

func fixed[T any](value T, err error) func(context.Context) (T, error) {
	return func(context.Context) (T, error) { return value, err }
}

func TestAStatusArrivesAsItWasGiven(t *testing.T) {
	d := serve(t, Handlers{Status: fixed(fullStatus(), nil)})
	got, err := Client{d.socket}.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := fullStatus(); !reflect.DeepEqual(got, want) {
		t.Errorf("status is\n%+v, want\n%+v", got, want)
	}
}

func TestAReloadArrivesAsItWasGiven(t *testing.T) {
	want := Reload{Findings: []string{"keepalived.conf:3:1: error: text"}}
	d := serve(t, Handlers{Reload: fixed(want, nil)})
	got, err := Client{d.socket}.Reload(t.Context())
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v, %v, want %+v", got, err, want)
	}
}

func TestTheDaemonsErrorReachesWhoAsked(t *testing.T) {
	d := serve(t, Handlers{
		Status: fixed(Status{}, errors.New("read the tables: gone")), Reload: fixed(Reload{}, errors.New("the daemon is stopping")),
	})
	_, err := Client{d.socket}.Status(t.Context())
	if want := "the daemon answered 500 Internal Server Error: read the tables: gone"; err == nil || err.Error() != want {
		t.Errorf("status: %v, want %s", err, want)
	}
	if _, err := (Client{d.socket}).Reload(t.Context()); err == nil || !strings.HasSuffix(err.Error(), ": the daemon is stopping") {
		t.Errorf("reload: %v, want the daemon's error", err)
	}
}

func TestReadingNeverReloads(t *testing.T) {
	reloads := 0
	d := serve(t, Handlers{
		Status: fixed(fullStatus(), nil),
		Reload: func(context.Context) (Reload, error) { reloads++; return Reload{}, nil },
	})
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", d.socket)
		},
	}}
	for request, want := range map[string]int{
		"GET /v1/reload": http.StatusMethodNotAllowed, "POST /v1/status": http.StatusMethodNotAllowed,
		"GET /v1/nothing": http.StatusNotFound, "GET /v1/status": http.StatusOK,
	} {
		method, path, _ := strings.Cut(request, " ")
		r, err := http.NewRequestWithContext(t.Context(), method, "http://drover"+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			t.Error(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s, want %d", request, response.Status, want)
		}
		if kind := response.Header.Get("Content-Type"); want == http.StatusOK && kind != "application/json" {
			t.Errorf("%s: content type %q", request, kind)
		}
	}
	client.CloseIdleConnections()
	if reloads != 0 {
		t.Errorf("reloaded %d times", reloads)
	}
}

func TestOnlyTheDaemonsUserMayUseTheSocket(t *testing.T) {
	d := serve(t, Handlers{})
	info, err := os.Stat(d.socket)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode(); got.Perm() != 0o600 || got.Type() != fs.ModeSocket {
		t.Errorf("mode %v, want a socket with 0600", got)
	}
}

func TestTheEndOfTheContextEndsServingAndRemovesTheSocket(t *testing.T) {
	d := serve(t, Handlers{})
	d.stop()
	select {
	case err := <-d.ended:
		if err != nil {
			t.Errorf("Serve: %v, want nil", err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("Serve goes on")
	}
	if _, err := os.Lstat(d.socket); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket is still there: %v", err)
	}
	if _, err := (Client{d.socket}).Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status: %v, want ErrNotRunning", err)
	}
}

func TestServeTellsWhenItsListenerFails(t *testing.T) {
	listener, err := Listen(filepath.Join(t.TempDir(), "drover.sock"))
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Serve(t.Context(), listener, Handlers{}, slog.New(slog.DiscardHandler)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Serve: %v, want net.ErrClosed", err)
	}
}

// stale leaves a socket as a daemon does that was killed.
func stale(t *testing.T, socket string) {
	t.Helper()
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Name: socket, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	listener.SetUnlinkOnClose(false)
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestASocketOfADeadDaemonIsReplaced(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "drover.sock")
	stale(t, socket)
	if _, err := (Client{socket}).Status(t.Context()); !errors.Is(err, ErrNotRunning) {
		t.Errorf("status on it: %v, want ErrNotRunning", err)
	}
	listener, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
}

func TestASocketOfALivingDaemonIsLeftAlone(t *testing.T) {
	d := serve(t, Handlers{Status: fixed(fullStatus(), nil)})
	if _, err := Listen(d.socket); !errors.Is(err, ErrRunning) {
		t.Errorf("a second daemon: %v, want ErrRunning", err)
	}
	if _, err := (Client{d.socket}).Status(t.Context()); err != nil {
		t.Errorf("the first daemon after that: %v", err)
	}
}

func TestAFileThatIsNoSocketIsLeftAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keepalived.conf")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Listen(file); !errors.Is(err, ErrNotSocket) {
		t.Errorf("error %v, want ErrNotSocket", err)
	}
	if text, err := os.ReadFile(file); err != nil || string(text) != "precious" {
		t.Errorf("the file holds %q, %v", text, err)
	}
}

func TestNoSocketMeansNotRunning(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "drover.sock")
	_, err := Client{socket}.Status(t.Context())
	if !errors.Is(err, ErrNotRunning) || !strings.HasPrefix(err.Error(), socket+": ") {
		t.Errorf("error %v, want ErrNotRunning for %s", err, socket)
	}
}

func TestAnAnswerThatIsNotJSONIsAnError(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "drover.sock")
	listener, err := Listen(socket)
	if err != nil {
		t.Fatal(err)
	}
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "hello") })}
	go server.Serve(listener)
	defer server.Close()
	if _, err := (Client{socket}).Status(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "read the daemon's answer: ") {
		t.Errorf("error %v, want one of reading the answer", err)
	}
}

func TestAskingEndsWithItsContext(t *testing.T) {
	asked := make(chan struct{})
	d := serve(t, Handlers{Status: func(ctx context.Context) (Status, error) {
		close(asked)
		<-ctx.Done() // the daemon, too, learns that nobody waits any more
		return Status{}, ctx.Err()
	}})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	if _, err := (Client{d.socket}).Status(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}
