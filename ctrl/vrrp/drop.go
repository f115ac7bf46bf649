package vrrp

import "fmt"

// DropReason says why a received datagram was not listened to. The values are
// stable: they are the names of counters.
type DropReason string

// The reasons, in the order in which a datagram is examined: that of RFC 9568
// section 7.1, after the tests of where it comes from.
const (
	// DropOwn is an advert from the machine's own source address: a loop in
	// the LAN, or multicast that the kernel handed back.
	DropOwn DropReason = "own"
	// DropDestination is multicast where Settings.Peers make the virtual router
	// a unicast one, or the reverse, as in keepalived.
	DropDestination DropReason = "destination"
	// DropSource is a source that is no peer (keepalived: check_unicast_src).
	DropSource DropReason = "source"
	// DropTTL is a TTL or hop limit other than 255: the datagram was routed, and
	// its sender is not on this LAN (sections 5.1.1.3 and 5.1.2.3). Unicast has
	// the peer's bounds instead (keepalived: min_ttl, max_ttl).
	DropTTL DropReason = "ttl"
	// DropVersion is another VRRP version than the configured one (section
	// 5.2.1).
	DropVersion DropReason = "version"
	// DropLength is a message shorter than its address count demands.
	DropLength DropReason = "length"
	// DropChecksum is a wrong checksum, or a right one of the other form, see
	// Settings.ChecksumAsV2 (section 5.2.8).
	DropChecksum DropReason = "checksum"
	// DropType is a message that is not an advertisement (section 5.2.2).
	DropType DropReason = "type"
	// DropVirtualRouterID is an advert of another virtual router (section
	// 5.2.3). The caller's dispatch by [VirtualRouterID] keeps these away.
	DropVirtualRouterID DropReason = "virtual_router_id"
	// DropOwner is any advert where the address owner listens to none, see
	// Settings.OwnerIgnoresAdverts.
	DropOwner DropReason = "owner"
	// DropAuthType is another authentication type than the configured one.
	DropAuthType DropReason = "auth_type"
	// DropPassword is a wrong password (keepalived: auth_pass).
	DropPassword DropReason = "password"
	// DropAddressCount is another number of virtual addresses than configured,
	// as in keepalived; its skip_check_adv_addr does not turn this off.
	DropAddressCount DropReason = "address_count"
	// DropAddresses is another set of virtual addresses than the configured
	// one; their order is free (section 5.2.9, Settings.SkipCheckAdvAddr).
	DropAddresses DropReason = "addresses"
	// DropInterval is an interval of zero, or in version 2 another one than the
	// configured (RFC 3768 section 5.3.7); version 3 learns it.
	DropInterval DropReason = "interval"
)

// DropReasons returns every reason, in the order of examination, for counters
// that start at zero.
func DropReasons() []DropReason {
	return []DropReason{
		DropOwn, DropDestination, DropSource, DropTTL, DropVersion, DropLength, DropChecksum, DropType,
		DropVirtualRouterID, DropOwner, DropAuthType, DropPassword, DropAddressCount, DropAddresses, DropInterval,
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
