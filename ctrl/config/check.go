package config

import (
	"net/netip"
	"time"
)

// Check is one health check of a real server.
type Check struct {
	Position
	CheckTimes
	CheckSocket

	// Question is what is asked.
	Question Question
}

// Question is what a check asks: an HTTPCheck, with others to join it.
type Question interface {
	// Keyword is that of the block, for example HTTP_GET.
	Keyword() string
}

// CheckTimes say when a check is made, and what its failures mean.
type CheckTimes struct {
	// DelayLoop is the time between two checks (delay_loop). Default 60 s.
	DelayLoop time.Duration

	// Warmup bounds the random delay before the first check (warmup). Default
	// DelayLoop; 0 means none.
	Warmup time.Duration

	// Retry failures more than the first are forgiven (retry). Default 1.
	Retry int

	// DelayBeforeRetry is the time from a failure to the retry
	// (delay_before_retry). Default 3 s.
	DelayBeforeRetry time.Duration

	// ConnectTimeout bounds connecting and each read (connect_timeout).
	// Default 5 s.
	ConnectTimeout time.Duration

	// Alpha: the real server is down until its first check succeeds (alpha).
	Alpha bool
}

// CheckSocket says where a check connects to.
type CheckSocket struct {
	// To is where the check connects to: the real server, unless connect_ip
	// or connect_port say otherwise.
	To netip.AddrPort
}

// HTTPCheck asks for pages (HTTP_GET).
type HTTPCheck struct {
	// URLs are fetched in turn; at least one.
	URLs []URL

	// VirtualHost is the Host header of URLs without their own; empty means
	// address and port of the real server.
	VirtualHost string

	// HTTPProtocol is "1.0", "1.0C" (1.0 with Connection: close) or "1.1".
	// Default "1.0".
	HTTPProtocol string
}

// Keyword returns HTTP_GET.
func (*HTTPCheck) Keyword() string { return "HTTP_GET" }

// URL is one page of an HTTP_GET check.
type URL struct {
	Position

	// Path is the request target, for example /index.html.
	Path string

	// StatusCodes are the accepted status codes. Default 200 to 299.
	StatusCodes []StatusRange

	// Digest is the MD5 of the body in 32 lower-case hexadecimal digits;
	// empty when the body is not compared.
	Digest string

	// VirtualHost is the Host header, resolved from url, checker, real
	// server and virtual server in this order; empty as in HTTPCheck.
	VirtualHost string
}

// StatusRange is an inclusive range of HTTP status codes, 100 to 999.
type StatusRange struct{ Low, High int }
