package vrrp

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// Parse reads a VRRP message, the payload of an IP packet. Its error is a
// [*DropError] with DropVersion, DropLength, DropChecksum, DropType or, for a
// field whose zero means nothing, DropVirtualRouterID or DropInterval.
//
// Parse judges the message alone; whether it fits the virtual router is the
// machine's business. Bytes after the message are ignored: RFC 3768 section 7.1
// asks for a complete message, not for nothing else.
func Parse(payload []byte) (Advert, error) {
	a, drop := parse(payload)
	if drop != nil {
		return Advert{}, drop
	}
	return a, nil
}

func parse(payload []byte) (Advert, *DropError) {
	if len(payload) == 0 {
		return Advert{}, dropf(DropLength, "empty message")
	}
	switch version := payload[0] >> 4; version {
	case version2:
		return parseV2(payload)
	default:
		return Advert{}, dropf(DropVersion, "version %d, expected %d", version, version2)
	}
}

func parseV2(payload []byte) (Advert, *DropError) {
	if len(payload) < headerLength {
		return Advert{}, dropf(DropLength, "%d bytes, the header alone has %d", len(payload), headerLength)
	}
	count := int(payload[3])
	length := messageLengthV2(count)
	if len(payload) < length {
		return Advert{}, dropf(DropLength, "%d bytes, with %d addresses expected %d", len(payload), count, length)
	}
	message := payload[:length]
	if checksum(message) != 0 {
		return Advert{}, dropf(DropChecksum, "checksum %#04x is wrong", binary.BigEndian.Uint16(message[6:8]))
	}
	if kind := message[0] & 0x0f; kind != typeAdvertisement {
		return Advert{}, dropf(DropType, "type %d, expected %d", kind, typeAdvertisement)
	}
	if message[1] == 0 {
		return Advert{}, dropf(DropVirtualRouterID, "virtual router id 0")
	}
	if message[5] == 0 {
		return Advert{}, dropf(DropInterval, "interval 0 s")
	}
	a := Advert{
		Version:         version2,
		VirtualRouterID: message[1],
		Priority:        message[2],
		AuthType:        AuthType(message[4]),
		Interval:        time.Duration(message[5]) * time.Second,
		Addresses:       make([]netip.Addr, 0, count),
	}
	for at := headerLength; at < length-authDataLength; at += addressLength {
		a.Addresses = append(a.Addresses, netip.AddrFrom4([4]byte(message[at:])))
	}
	copy(a.AuthData[:], message[length-authDataLength:])
	return a, nil
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
