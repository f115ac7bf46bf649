package vrrp

import (
	"net/netip"
	"slices"
)

// Parse reads a VRRP message, the payload of an IP packet from one address to
// another. Its error is a [*DropError] with DropVersion, DropLength,
// DropChecksum, DropType or, for a field whose zero means nothing,
// DropVirtualRouterID, DropAddressCount or DropInterval.
//
// Parse judges the message alone; whether it fits the virtual router is the
// machine's business. Version 3 over IPv4 may have a checksum of either form,
// Advert.ChecksumAsV2 tells which. Bytes after the message are ignored: RFC 9568
// section 7.1 asks for a complete message, not for nothing else.
func Parse(payload []byte, from, to netip.Addr) (Advert, error) {
	a, drop := parse(payload, plain(from), plain(to))
	if drop != nil {
		return Advert{}, drop
	}
	return a, nil
}

func parse(payload []byte, from, to netip.Addr) (Advert, *DropError) {
	if len(payload) == 0 {
		return Advert{}, dropf(DropLength, "empty message")
	}
	switch version := payload[0] >> 4; {
	case version == version2 && !from.Is6():
		return parseV2(payload)
	case version == version3:
		return parseV3(payload, from, to)
	default:
		return Advert{}, dropf(DropVersion, "version %d from %v, expected 3, or 2 from IPv4", version, from)
	}
}

// VirtualRouterID returns the virtual router id of a message without judging
// it, so that a caller with several machines on one interface can find the one
// that the message is for. It is false if the message is too short to have one.
func VirtualRouterID(payload []byte) (id uint8, ok bool) {
	if len(payload) < 2 {
		return 0, false
	}
	return payload[1], true
}

// complete returns the message without what follows it in the payload.
func complete(payload []byte, lengthOf func(addresses int) int) ([]byte, *DropError) {
	if len(payload) < headerLength {
		return nil, dropf(DropLength, "%d bytes, the header alone has %d", len(payload), headerLength)
	}
	count := int(payload[3])
	length := lengthOf(count)
	if len(payload) < length {
		return nil, dropf(DropLength, "%d bytes, with %d addresses expected %d", len(payload), count, length)
	}
	return payload[:length], nil
}

// meaningful judges the fields that both versions have in the same place.
func meaningful(message []byte) *DropError {
	if kind := message[0] & 0x0f; kind != typeAdvertisement {
		return dropf(DropType, "type %d, expected %d", kind, typeAdvertisement)
	}
	if message[1] == 0 {
		return dropf(DropVirtualRouterID, "virtual router id 0")
	}
	return nil
}

// addressesIn reads addresses of 4 or 16 bytes each.
func addressesIn(b []byte, length int) []netip.Addr {
	addresses := make([]netip.Addr, 0, len(b)/length)
	for each := range slices.Chunk(b, length) {
		if addr, ok := netip.AddrFromSlice(each); ok {
			addresses = append(addresses, addr)
		}
	}
	return addresses
}
