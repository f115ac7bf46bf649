package config

import (
	"time"
)

// TCPCheck connects (TCP_CHECK).
type TCPCheck struct{}

// Keyword returns TCP_CHECK.
func (*TCPCheck) Keyword() string { return "TCP_CHECK" }

// PingCheck sends an ICMP echo request (PING_CHECK).
type PingCheck struct{}

// Keyword returns PING_CHECK.
func (*PingCheck) Keyword() string { return "PING_CHECK" }

// UDPCheck sends a datagram (UDP_CHECK). It fails with an ICMP error, and with
// RequireReply also without a right reply.
type UDPCheck struct {
	// Payload is what is sent (payload); nil for random bytes.
	Payload []byte

	// RequireReply: no reply is a failure (require_reply). What follows means
	// something only then.
	RequireReply bool

	// Reply is how a right reply begins, and ReplyMask, which is as long, has
	// the bits of it that count; nil for any reply. A shorter reply is compared
	// as far as it goes.
	Reply, ReplyMask []byte

	// MinReply and MaxReply are the least and the largest length of a right
	// reply in bytes, 0 to 65535 (min_reply_length, max_reply_length). Default 0
	// and 255.
	MinReply, MaxReply int
}

// Keyword returns UDP_CHECK.
func (*UDPCheck) Keyword() string { return "UDP_CHECK" }

// DNSCheck asks a question over UDP (DNS_CHECK). Any answer without an error
// code is right.
type DNSCheck struct {
	// Type is one of A, NS, CNAME, SOA, MX, TXT and AAAA (type). Default SOA.
	Type string

	// Name is the domain name, of at most 253 bytes (name). Default ".", the
	// root.
	Name string
}

// Keyword returns DNS_CHECK.
func (*DNSCheck) Keyword() string { return "DNS_CHECK" }

// SMTPCheck greets a mail server (SMTP_CHECK).
type SMTPCheck struct {
	// HeloName is what it calls itself (helo_name).
	HeloName string

	// Hosts are where it connects to, one after the other, instead of the
	// CheckSocket of the check (host). Usually empty.
	Hosts []CheckSocket
}

// Keyword returns SMTP_CHECK.
func (*SMTPCheck) Keyword() string { return "SMTP_CHECK" }

// MiscCheck runs a command (MISC_CHECK): exit status 0 is success.
type MiscCheck struct {
	// Command is the program and its arguments, never empty (misc_path). No
	// shell is in between.
	Command []string

	// Timeout is how long a run may take, at most 4294 s (misc_timeout). Default
	// the delay_loop of the virtual server.
	Timeout time.Duration

	// Dynamic: exit status 2 to 255 is success, too, and makes the weight of the
	// real server two less than itself (misc_dynamic).
	Dynamic bool

	// User and Group are who runs it, as in Script (user, or else script_user).
	User, Group string
}

// Keyword returns MISC_CHECK.
func (*MiscCheck) Keyword() string { return "MISC_CHECK" }

// FileCheck follows a track file (FILE_CHECK). With Weight 0 the real server is
// up while the file holds 0. Otherwise the number in it times Weight, with its
// sign turned by Reverse, is added to the weight of the real server.
type FileCheck struct {
	// File is the name of one of TrackFiles of the Config, and Path its Path
	// (track_file).
	File, Path string

	// Weight is -2147483647 to 2147483647 (weight). It and Reverse are, if
	// Weight is not written or 0, those of the track file.
	Weight  int
	Reverse bool
}

// Keyword returns FILE_CHECK.
func (*FileCheck) Keyword() string { return "FILE_CHECK" }
