package vrrp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"time"
)

// Version 3 on the wire, RFC 9568 section 5.2. Nothing else here knows of
// centiseconds.
const (
	version3      = 3
	centisecond   = 10 * time.Millisecond
	maxIntervalV3 = 0xfff * centisecond // 12 bits, section 5.2.7
)

func (a Advert) marshalV3(from, to netip.Addr) ([]byte, error) {
	if err := a.checkV3(from); err != nil {
		return nil, err
	}
	if to.BitLen() != from.BitLen() {
		return nil, fmt.Errorf("destination %v is not %s", to, familyName(from))
	}
	b := make([]byte, 0, messageLengthV3(len(a.Addresses), from))
	b = append(b, version3<<4|typeAdvertisement, a.VirtualRouterID, a.Priority, uint8(len(a.Addresses)))
	b = binary.BigEndian.AppendUint16(b, uint16(a.Interval/centisecond))
	b = append(b, 0, 0)
	for _, addr := range a.Addresses {
		b = append(b, addr.AsSlice()...)
	}
	binary.BigEndian.PutUint16(b[6:8], checksum(b, from, to, a.ChecksumAsV2))
	return b, nil
}

// checkV3 reports the first field that a version 3 message from an address
// cannot carry.
func (a Advert) checkV3(from netip.Addr) error {
	if a.Interval < centisecond || a.Interval > maxIntervalV3 || a.Interval%centisecond != 0 {
		return fmt.Errorf("interval %v is not a whole number of centiseconds from 1 to 4095, as version 3 has it", a.Interval)
	}
	if a.AuthType != AuthNone {
		return fmt.Errorf("version 3 has no authentication %v", a.AuthType)
	}
	if len(a.Addresses) == 0 {
		return errors.New("version 3 demands an address")
	}
	if !from.IsValid() {
		return errors.New("no source address")
	}
	return a.check(from)
}

func parseV3(payload []byte, from, to netip.Addr) (Advert, *DropError) {
	if !from.IsValid() || from.BitLen() != to.BitLen() {
		return Advert{}, dropf(DropChecksum, "from %v to %v, the checksum covers two addresses of one family", from, to)
	}
	message, drop := complete(payload, func(addresses int) int { return messageLengthV3(addresses, from) })
	if drop != nil {
		return Advert{}, drop
	}
	asV2 := false
	if checksum(message, from, to, false) != 0 {
		asV2 = from.Is4() && checksum(message, from, to, true) == 0
		if !asV2 {
			return Advert{}, dropf(DropChecksum, "checksum %#04x is wrong", binary.BigEndian.Uint16(message[6:8]))
		}
	}
	if drop := meaningful(message); drop != nil {
		return Advert{}, drop
	}
	if message[3] == 0 {
		return Advert{}, dropf(DropAddressCount, "no virtual address, version 3 demands one")
	}
	interval := time.Duration(binary.BigEndian.Uint16(message[4:6])&0xfff) * centisecond // 4 bits are reserved, section 5.2.6
	if interval == 0 {
		return Advert{}, dropf(DropInterval, "interval 0 s")
	}
	return Advert{
		Version:         version3,
		VirtualRouterID: message[1],
		Priority:        message[2],
		Interval:        interval,
		Addresses:       addressesIn(message[headerLength:], from.BitLen()/8),
		ChecksumAsV2:    asV2,
	}, nil
}

// messageLengthV3 follows the family of the packet's source.
func messageLengthV3(addresses int, from netip.Addr) int {
	return headerLength + addresses*from.BitLen()/8
}
