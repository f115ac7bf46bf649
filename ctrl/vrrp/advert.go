package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Wire constants of VRRPv2, RFC 3768 section 5.3.
const (
	version2          = 2
	typeAdvertisement = 1
	headerLength      = 8 // version to checksum, sections 5.3.1 to 5.3.8
	addressLength     = 4 // one IPv4 address, section 5.3.9
	authDataLength    = 8 // always present in version 2, section 5.3.10
	maxAddresses      = 255
	maxIntervalV2     = 255 * time.Second // one byte of seconds, section 5.3.7
)

// Priorities with a meaning of their own, RFC 3768 section 5.3.4.
const (
	// PriorityStopped says that the master has stopped taking part.
	PriorityStopped uint8 = 0
	// PriorityOwner is that of the router that owns the virtual addresses.
	PriorityOwner uint8 = 255
)

// AuthType is the authentication type of a version 2 advert, RFC 2338 section
// 5.3.6. RFC 3768 withdrew every type but AuthNone; keepalived's users still
// set auth_type PASS.
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
	// Version of the protocol; only 2 can be marshaled.
	Version uint8
	// VirtualRouterID names the virtual router on its LAN, 1 to 255
	// (keepalived: virtual_router_id).
	VirtualRouterID uint8
	// Priority of the sender, 1 to 255, or PriorityStopped.
	Priority uint8
	// AuthType and AuthData authenticate the sender, RFC 2338 section 5.3.6.
	// A password is padded with NUL bytes.
	AuthType AuthType
	AuthData [8]byte
	// Interval between the sender's adverts: whole seconds, 1 to 255.
	Interval time.Duration
	// Addresses are the virtual addresses, IPv4, at most 255, in the order of
	// the sender's configuration.
	Addresses []netip.Addr
}

// errUnmarshalable is wrapped by every error of Marshal.
var errUnmarshalable = errors.New("marshal VRRP advert")

// Marshal returns the VRRP message, the payload of the IP packet, with its
// checksum. It fails if a field has a value that the wire cannot carry.
func (a Advert) Marshal() ([]byte, error) {
	switch a.Version {
	case version2:
		return a.marshalV2()
	default:
		return nil, fmt.Errorf("%w: version %d is not supported", errUnmarshalable, a.Version)
	}
}

func (a Advert) marshalV2() ([]byte, error) {
	if err := a.checkV2(); err != nil {
		return nil, fmt.Errorf("%w: %w", errUnmarshalable, err)
	}
	b := make([]byte, 0, messageLengthV2(len(a.Addresses)))
	b = append(b, version2<<4|typeAdvertisement, a.VirtualRouterID, a.Priority, uint8(len(a.Addresses)),
		uint8(a.AuthType), uint8(a.Interval/time.Second), 0, 0)
	for _, addr := range a.Addresses {
		b = append(b, addr.AsSlice()...)
	}
	b = append(b, a.AuthData[:]...)
	binary.BigEndian.PutUint16(b[6:8], checksum(b))
	return b, nil
}

// checkV2 reports the first field that a version 2 message cannot carry.
func (a Advert) checkV2() error {
	if a.VirtualRouterID == 0 {
		return errors.New("virtual router id 0 is outside 1 to 255")
	}
	if a.Interval < time.Second || a.Interval > maxIntervalV2 || a.Interval%time.Second != 0 {
		return fmt.Errorf("interval %v is not a whole number of seconds from 1 to 255", a.Interval)
	}
	if len(a.Addresses) > maxAddresses {
		return fmt.Errorf("%d addresses are more than %d", len(a.Addresses), maxAddresses)
	}
	for _, addr := range a.Addresses {
		if !addr.Is4() {
			return fmt.Errorf("address %v is not IPv4", addr)
		}
	}
	return nil
}

func messageLengthV2(addresses int) int {
	return headerLength + addresses*addressLength + authDataLength
}

// checksum is the Internet checksum (RFC 1071) of a version 2 message. It
// covers the whole VRRP message, authentication data included, and no
// pseudo-header (RFC 3768 section 5.3.8). It is 0 for a message that carries
// its correct checksum. Version 2 messages have an even length.
func checksum(message []byte) uint16 {
	var sum uint32
	for i := 0; i+1 < len(message); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(message[i:]))
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
