package vrrp

import (
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Wire constants of both versions, RFC 9568 section 5.2.
const (
	typeAdvertisement = 1
	headerLength      = 8 // version to checksum, sections 5.2.1 to 5.2.8
	maxAddresses      = 255
)

// Priorities with a meaning of their own, RFC 9568 section 5.2.4.
const (
	// PriorityStopped says that the master has stopped taking part.
	PriorityStopped uint8 = 0
	// PriorityOwner is that of the router that owns the virtual addresses.
	PriorityOwner uint8 = 255
)

// AuthType is the authentication type of a version 2 advert, RFC 2338 section
// 5.3.6. RFC 3768 withdrew every type but AuthNone, version 3 has no field for
// it; keepalived's users still set auth_type PASS.
type AuthType uint8

const (
	// AuthNone sends and expects no authentication.
	AuthNone AuthType = 0
	// AuthPass is a clear-text password of at most eight bytes
	// (keepalived: auth_type PASS).
	AuthPass AuthType = 1
)

// String returns keepalived's word for the type.
func (t AuthType) String() string {
	switch t {
	case AuthNone:
		return "none"
	case AuthPass:
		return "PASS"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Advert is one VRRP advertisement.
type Advert struct {
	// Version of the protocol, 2 or 3.
	Version uint8
	// VirtualRouterID names the virtual router on its LAN, 1 to 255
	// (keepalived: virtual_router_id).
	VirtualRouterID uint8
	// Priority of the sender, 1 to 255, or PriorityStopped.
	Priority uint8
	// AuthType and AuthData authenticate the sender, RFC 2338 section 5.3.6.
	// A password is padded with NUL bytes. Version 3 has neither.
	AuthType AuthType
	AuthData [8]byte
	// Interval between the sender's adverts. Version 2: whole seconds, 1 to
	// 255; version 3: whole centiseconds, 10 ms to 40.95 s.
	Interval time.Duration
	// Addresses are the virtual addresses, at most 255, in the order of the
	// sender's configuration, of the family of the packet. Version 2 has IPv4
	// only; version 3 has at least one.
	Addresses []netip.Addr
	// ChecksumAsV2 leaves the pseudo-header out of the checksum of a version 3
	// advert over IPv4 (keepalived: v3_checksum_as_v2).
	ChecksumAsV2 bool
}

// errUnmarshalable is wrapped by every error of Marshal.
var errUnmarshalable = errors.New("marshal VRRP advert")

// Marshal returns the VRRP message, the payload of the IP packet from one
// address to another, with its checksum. The checksum of version 2 needs
// neither address. It fails if a field has a value that the wire cannot carry.
func (a Advert) Marshal(from, to netip.Addr) ([]byte, error) {
	message, err := a.marshal(plain(from), plain(to))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errUnmarshalable, err)
	}
	return message, nil
}

func (a Advert) marshal(from, to netip.Addr) ([]byte, error) {
	switch a.Version {
	case version2:
		return a.marshalV2()
	case version3:
		return a.marshalV3(from, to)
	}
	return nil, fmt.Errorf("version %d is not supported", a.Version)
}

// check reports the first field that no version can carry, or that the
// addresses are not of one family.
func (a Advert) check(family netip.Addr) error {
	if a.VirtualRouterID == 0 {
		return errors.New("virtual router id 0 is outside 1 to 255")
	}
	if len(a.Addresses) > maxAddresses {
		return fmt.Errorf("%d addresses are more than %d", len(a.Addresses), maxAddresses)
	}
	for _, addr := range a.Addresses {
		if addr.BitLen() != family.BitLen() {
			return fmt.Errorf("address %v is not %s", addr, familyName(family))
		}
	}
	return nil
}

// plain is an address as the wire has it: without zone, IPv4 as such.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

func familyName(addr netip.Addr) string {
	if addr.Is4() {
		return "IPv4"
	}
	return "IPv6"
}
