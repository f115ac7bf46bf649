package health

// Kind is a kind of checker: what its rise and fall differ in. See [Tracker].
type Kind uint8

// The kinds, each with the keywords of keepalived.conf.
const (
	KindHTTP Kind = iota // HTTP_GET, SSL_GET
	KindTCP              // TCP_CHECK
	KindUDP              // UDP_CHECK
	KindDNS              // DNS_CHECK
	KindSMTP             // SMTP_CHECK
	KindPing             // PING_CHECK
	KindMisc             // MISC_CHECK
	KindFile             // FILE_CHECK
)

// manner is what kinds differ in, all as keepalived 2.2.7 has it.
type manner struct {
	// walks: the probes are asked in turn, and all must pass for a rise, once more after the one that took the server
	// down. The others have one probe, which is enough.
	walks bool
	// forgivesFirst: the retries apply to a server that has shown nothing yet, too. For the others its first failure is
	// enough.
	forgivesFirst bool
	// retriesDown: the failures of a server that is down are retried after DelayBeforeRetry as those of one that is up,
	// though they change nothing. The others ask such a server every Interval.
	retriesDown bool
	// fromStart: the waits count from the start of a check, not from its end.
	fromStart bool
}

func (k Kind) manner() manner {
	switch k {
	case KindHTTP:
		return manner{walks: true}
	case KindTCP:
		return manner{retriesDown: true}
	case KindSMTP:
		return manner{retriesDown: true, forgivesFirst: true}
	case KindMisc:
		return manner{fromStart: true}
	default:
		return manner{}
	}
}
