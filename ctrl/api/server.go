package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// DefaultSocket is where the daemon listens.
const DefaultSocket = "/run/drover/drover.sock"

const (
	pathStatus = "/v1/status"
	pathReload = "/v1/reload"
)

// ErrRunning says that another daemon answers on the socket.
var ErrRunning = errors.New("another drover answers on this socket")

// ErrNotSocket says that a file of another kind is where the socket shall be.
var ErrNotSocket = errors.New("something else is in the place of the socket: move it, or choose another --socket")

// Handlers are what the daemon does when it is asked.
type Handlers struct {
	Status func(context.Context) (Status, error)
	Reload func(context.Context) (Reload, error)
}

// Listen opens the socket for the daemon's user alone, in the place of one that a dead daemon left. Its errors wrap
// ErrRunning and ErrNotSocket.
func Listen(socket string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(socket), 0o755); err != nil {
		return nil, fmt.Errorf("create a directory for the socket: %w", err)
	}
	if err := removeStale(socket); err != nil {
		return nil, err
	}
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	return listener, nil
}

// removeStale removes a socket that nobody listens on. Whatever else has its name stays.
func removeStale(socket string) error {
	info, err := os.Lstat(socket)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("look for the socket of an earlier daemon: %w", err)
	case info.Mode().Type() != fs.ModeSocket:
		return fmt.Errorf("%s: %w", socket, ErrNotSocket)
	}
	conn, err := net.DialTimeout("unix", socket, time.Second)
	switch {
	case err == nil:
		return errors.Join(fmt.Errorf("%s: %w", socket, ErrRunning), conn.Close())
	case !errors.Is(err, syscall.ECONNREFUSED): // a daemon with a full queue, for one
		return fmt.Errorf("ask whether another drover is running: %w", err)
	}
	if err := os.Remove(socket); err != nil {
		return fmt.Errorf("remove the socket of an earlier daemon: %w", err)
	}
	return nil
}

// Serve answers requests until ctx ends, then closes the listener, which removes the socket.
func Serve(ctx context.Context, listener net.Listener, handlers Handlers, log *slog.Logger) error {
	mux := http.NewServeMux()
	mux.Handle("GET "+pathStatus, answer(handlers.Status, log))
	mux.Handle("POST "+pathReload, answer(handlers.Reload, log))
	server := &http.Server{
		Handler:           mux,
		ReadHeaderTimeout: 5 * time.Second,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		BaseContext:       func(net.Listener) context.Context { return ctx },
	}
	stop := context.AfterFunc(ctx, func() {
		if err := server.Close(); err != nil {
			log.Warn("closing the socket failed", "error", err)
		}
	})
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve %s: %w", listener.Addr(), err)
	}
	return nil
}

func answer[T any](ask func(context.Context) (T, error), log *slog.Logger) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		value, err := ask(r.Context())
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(value); err != nil {
			log.Debug("an answer was not delivered", "path", r.URL.Path, "error", err)
		}
	}
}
