package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"strings"
	"syscall"
)

// ErrNotRunning says that no daemon answers on the socket.
var ErrNotRunning = errors.New("no drover answers on this socket: is it running? (drover run)")

// Client asks the daemon that listens on Socket.
type Client struct {
	Socket string
}

// Status asks how everything stands.
func (c Client) Status(ctx context.Context) (Status, error) {
	var s Status
	err := c.ask(ctx, http.MethodGet, pathStatus, &s)
	return s, err
}

// Reload asks the daemon to read its configuration again.
func (c Client) Reload(ctx context.Context) (Reload, error) {
	var r Reload
	err := c.ask(ctx, http.MethodPost, pathReload, &r)
	return r, err
}

func (c Client) ask(ctx context.Context, method, path string, into any) error {
	client := http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", c.Socket)
		},
		DisableKeepAlives: true,
	}}
	request, err := http.NewRequestWithContext(ctx, method, "http://drover"+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(request)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return fmt.Errorf("%s: %w", c.Socket, ErrNotRunning)
	}
	if err != nil {
		return fmt.Errorf("ask the daemon: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(response.Body, 4096))
		return errors.Join(fmt.Errorf("the daemon answered %s: %s", response.Status, strings.TrimSpace(string(text))), err)
	}
	if err := json.NewDecoder(response.Body).Decode(into); err != nil {
		return fmt.Errorf("read the daemon's answer: %w", err)
	}
	return nil
}
