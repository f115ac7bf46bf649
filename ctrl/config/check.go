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

// Question is what a check asks: a pointer to one of HTTPCheck, TCPCheck,
// UDPCheck, DNSCheck, SMTPCheck, PingCheck, MiscCheck and FileCheck.
type Question interface {
	// Keyword is that of the block, for example HTTP_GET.
	Keyword() string
}

// CheckTimes say when a check is made, and what its failures mean. A FileCheck
// has only Alpha: its file is followed, not asked.
type CheckTimes struct {
	// DelayLoop is the time between two checks (delay_loop). Default 60 s.
	DelayLoop time.Duration

	// Warmup bounds the random delay before the first check (warmup). Default
	// DelayLoop; 0 means none.
	Warmup time.Duration

	// Retry failures more than the first are forgiven (retry). Default 1; 3 for
	// DNS_CHECK, 0 for MISC_CHECK.
	Retry int

	// DelayBeforeRetry is the time from a failure to the retry
	// (delay_before_retry). Default 1 s; 3 s for HTTP_GET and SSL_GET, DelayLoop
	// for DNS_CHECK.
	DelayBeforeRetry time.Duration

	// ConnectTimeout bounds connecting and each read (connect_timeout).
	// Default 5 s. A MiscCheck has its own Timeout instead.
	ConnectTimeout time.Duration

	// Alpha: the real server is down until its first check succeeds (alpha).
	Alpha bool

	// LogAllFailures: a failure that changes nothing is logged, too
	// (log_all_failures, checker_log_all_failures).
	LogAllFailures bool
}

// CheckSocket says where a check goes to and how it gets there. It is zero for
// a MiscCheck and a FileCheck.
type CheckSocket struct {
	// To is where the check connects to: the real server, unless connect_ip
	// or connect_port say otherwise. The port of a PingCheck means nothing.
	To netip.AddrPort

	// From is where it connects from (bindto, bind_port). The address is
	// invalid, and the port 0, for what the kernel chooses.
	From netip.AddrPort

	// Interface is the interface that it must leave by; empty for any
	// (bind_if).
	Interface string

	// Mark is the firewall mark of its packets; 0 for none (fwmark).
	Mark uint32

	// Path is the way to the real server (check_path). With PathVIP, From,
	// Interface and Mark are not set; with PathAuto they are those of checks of
	// the address.
	Path CheckPath
}

// CheckPath is the way that checks take to a real server (check_path).
type CheckPath int

// The ways to a real server.
const (
	// PathAuto, the default: both ways, and what is asked through the VIP counts
	// as far as it is shown that this host gets answers so. Checks that ask
	// something else than clients do go as with PathAddress.
	PathAuto CheckPath = iota

	// PathAddress: to the address of the real server, as keepalived does.
	PathAddress

	// PathVIP: to each address of the virtual server at the MAC address of the
	// real server, as the packets of clients get there. The port is that of
	// CheckSocket.To.
	PathVIP
)

// String returns the path as keepalived.conf writes it.
func (c CheckPath) String() string {
	switch c {
	case PathAddress:
		return "address"
	case PathVIP:
		return "vip"
	default:
		return "auto"
	}
}

// checkPaths are the paths as keepalived.conf writes them.
var checkPaths = map[string]CheckPath{"auto": PathAuto, "address": PathAddress, "vip": PathVIP}
