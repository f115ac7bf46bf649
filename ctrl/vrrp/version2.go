package vrrp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"
)

// Version 2 on the wire, RFC 3768 section 5.3.
const (
	version2        = 2
	addressLengthV2 = 4                 // section 5.3.9
	authDataLength  = 8                 // always present, section 5.3.10
	maxIntervalV2   = 255 * time.Second // one byte of seconds, section 5.3.7
)

func (a Advert) marshalV2() ([]byte, error) {
	if err := a.checkV2(); err != nil {
		return nil, err
	}
	b := make([]byte, 0, messageLengthV2(len(a.Addresses)))
	b = append(b, version2<<4|typeAdvertisement, a.VirtualRouterID, a.Priority, uint8(len(a.Addresses)),
		uint8(a.AuthType), uint8(a.Interval/time.Second), 0, 0)
	for _, addr := range a.Addresses {
		b = append(b, addr.AsSlice()...)
	}
	b = append(b, a.AuthData[:]...)
	binary.BigEndian.PutUint16(b[6:8], checksumV2(b))
	return b, nil
}

// checkV2 reports the first field that a version 2 message cannot carry.
func (a Advert) checkV2() error {
	if a.Interval < time.Second || a.Interval > maxIntervalV2 || a.Interval%time.Second != 0 {
		return fmt.Errorf("interval %v is not a whole number of seconds from 1 to 255, as version 2 has it", a.Interval)
	}
	return a.check(netip.IPv4Unspecified())
}

func parseV2(payload []byte) (Advert, *DropError) {
	message, drop := complete(payload, messageLengthV2)
	if drop != nil {
		return Advert{}, drop
	}
	if checksumV2(message) != 0 {
		return Advert{}, dropf(DropChecksum, "checksum %#04x is wrong", binary.BigEndian.Uint16(message[6:8]))
	}
	if drop := meaningful(message); drop != nil {
		return Advert{}, drop
	}
	if message[5] == 0 {
		return Advert{}, dropf(DropInterval, "interval 0 s")
	}
	end := len(message) - authDataLength
	return Advert{
		Version:         version2,
		VirtualRouterID: message[1],
		Priority:        message[2],
		AuthType:        AuthType(message[4]),
		AuthData:        [8]byte(message[end:]),
		Interval:        time.Duration(message[5]) * time.Second,
		Addresses:       addressesIn(message[headerLength:end], addressLengthV2),
	}, nil
}

func messageLengthV2(addresses int) int {
	return headerLength + addresses*addressLengthV2 + authDataLength
}
