package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"time"
)

// The subcommands that run on the hosts.
const (
	webName   = "internal-web"
	proxyName = "internal-proxy"
)

// webCommand is a web server: it answers every request with its own name, and logs it.
func webCommand(ctx context.Context, env environment, args []string) error {
	if len(args) != 1 {
		return errUsage
	}
	name := args[0]
	log := slog.New(slog.NewTextHandler(env.stdout, nil))
	return serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.Info("request", "method", r.Method, "path", r.URL.Path, "host", r.Host,
			"client", r.RemoteAddr, "user_agent", r.UserAgent())
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		// A client that has gone away is its own affair.
		_, _ = fmt.Fprintln(w, name)
	}))
}

// proxyCommand is the reverse proxy of section 6.2: /VIP/PATH is the virtual server's /PATH.
func proxyCommand(ctx context.Context, env environment, _ []string) error {
	log := slog.New(slog.NewTextHandler(env.stdout, nil))
	mux := http.NewServeMux()
	for _, g := range groups() {
		prefix := "/" + g.vip.String()
		target := &url.URL{Scheme: "http", Host: g.vip.String()}
		proxy := &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
			// As nginx: a connection of its own for every request.
			Transport: &http.Transport{DisableKeepAlives: true},
			ErrorLog:  slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		}
		mux.Handle(prefix+"/", http.StripPrefix(prefix, proxy))
	}
	return serve(ctx, mux)
}

// serve answers on port 80 until ctx ends.
func serve(ctx context.Context, handler http.Handler) error {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp4", ":80")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() }) // Serve tells the outcome
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
