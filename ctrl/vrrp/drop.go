package vrrp

import "fmt"

// DropReason says why a received datagram was not listened to. The values are
// stable: they are the names of counters.
type DropReason string

// The reasons, in the order in which a datagram is examined: that of RFC 3768
// section 7.1, after the test for one's own adverts.
const (
	// DropOwn is an advert from the machine's own source address: a loop in
	// the LAN, or multicast that the kernel handed back.
	DropOwn DropReason = "own"
	// DropTTL is an IP TTL other than 255: the datagram was routed, and its
	// sender is not on this LAN (section 5.2.3).
	DropTTL DropReason = "ttl"
	// DropVersion is a VRRP version other than 2 (section 5.3.1).
	DropVersion DropReason = "version"
	// DropLength is a message shorter than its address count demands.
	DropLength DropReason = "length"
	// DropChecksum is a wrong checksum (section 5.3.8).
	DropChecksum DropReason = "checksum"
	// DropType is a message that is not an advertisement (section 5.3.2).
	DropType DropReason = "type"
	// DropVirtualRouterID is an advert of another virtual router (section
	// 5.3.3). The caller's dispatch by [VirtualRouterID] keeps these away.
	DropVirtualRouterID DropReason = "virtual_router_id"
	// DropAuthType is another authentication type than the configured one.
	DropAuthType DropReason = "auth_type"
	// DropPassword is a wrong password (keepalived: auth_pass).
	DropPassword DropReason = "password"
	// DropAddressCount is another number of virtual addresses than configured,
	// as in keepalived; its skip_check_adv_addr does not turn this off.
	DropAddressCount DropReason = "address_count"
	// DropAddresses is another set of virtual addresses than the configured
	// one; their order is free (section 5.3.9, Settings.SkipCheckAdvAddr).
	DropAddresses DropReason = "addresses"
	// DropInterval is another advert interval than the configured one, or an
	// interval of zero (section 5.3.7).
	DropInterval DropReason = "interval"
)

// DropReasons returns every reason, in the order of examination, for counters
// that start at zero.
func DropReasons() []DropReason {
	return []DropReason{
		DropOwn, DropTTL, DropVersion, DropLength, DropChecksum, DropType, DropVirtualRouterID,
		DropAuthType, DropPassword, DropAddressCount, DropAddresses, DropInterval,
	}
}

// DropError is the error of a datagram that is not listened to.
type DropError struct {
	Reason DropReason
	// Detail tells an operator what was received and what was expected. It
	// never contains a password.
	Detail string
}

// Error returns the reason and the detail.
func (e *DropError) Error() string {
	return string(e.Reason) + ": " + e.Detail
}

func dropf(reason DropReason, format string, args ...any) *DropError {
	return &DropError{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
