package config

import (
	"math/bits"
	"net/netip"
	"time"
)

const (
	// maxTimeout is the longest timeout of IPVS that keepalived accepts, in
	// seconds: 31 days.
	maxTimeout = 31 * 24 * 60 * 60

	// defaultPersistence is keepalived's persistence_timeout without a value.
	defaultPersistence = 6 * time.Minute
)

// persistenceKeywords keep a client at its real server.
func persistenceKeywords() map[string]keyword[serverDraft] {
	return map[string]keyword[serverDraft]{
		"persistence_timeout": {max: 1, read: readPersistenceTimeout},
		"persistence_granularity": {min: 1, max: 1, read: func(_ *parser, s *statement, into *serverDraft) {
			into.granularity = s.args()[0]
		}},
	}
}

func readPersistenceTimeout(p *parser, s *statement, into *serverDraft) {
	if len(s.args()) == 0 {
		into.PersistenceTimeout = defaultPersistence
		return
	}
	if n, ok := p.integer("persistence_timeout", s.args()[0], 1, maxTimeout); ok {
		into.PersistenceTimeout = time.Duration(n) * time.Second
	}
}

// completePersistence resolves which clients are one. As in keepalived, a
// granularity alone makes a virtual server persistent, and so does port 0: the
// connections of one session, such as those of FTP, must meet again.
func (p *parser) completePersistence(v *serverDraft) {
	written := v.granularity.text != ""
	if v.PersistenceTimeout == 0 && written {
		v.PersistenceTimeout = defaultPersistence
	}
	if v.PersistenceTimeout == 0 && v.hasAllPorts() {
		v.PersistenceTimeout = defaultPersistence
		p.warnf(v.Position, "%s takes all ports, which needs persistence: persistence_timeout %d is used, as keepalived does",
			v.name(), defaultPersistence/time.Second)
	}
	if v.PersistenceTimeout == 0 {
		return
	}
	client := v.Endpoints()[0].Addr()
	v.PersistencePrefix = client.BitLen()
	if written {
		v.PersistencePrefix = p.granularity(v.granularity, client)
	}
}

// granularity reads the mask that makes addresses one client: a netmask for
// IPv4, the length of a prefix for IPv6. It returns the number of leading bits.
func (p *parser) granularity(w word, family netip.Addr) int {
	if family.Is6() {
		n, _ := p.integer("persistence_granularity", w, 1, family.BitLen())
		return n
	}
	n := 0
	if mask, err := netip.ParseAddr(w.text); err == nil && mask.Is4() {
		n = leadingOnes(mask.As4())
	}
	if n == 0 {
		p.errorf(w.Position, "persistence_granularity %q is not a netmask of leading ones, such as 255.255.255.0", w.text)
	}
	return n
}

// leadingOnes returns the number of ones in a mask, or 0 if zeros stand between
// them.
func leadingOnes(mask [4]byte) int {
	value := uint32(mask[0])<<24 | uint32(mask[1])<<16 | uint32(mask[2])<<8 | uint32(mask[3])
	ones := bits.LeadingZeros32(^value)
	if value<<ones != 0 {
		return 0
	}
	return ones
}
