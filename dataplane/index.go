package dataplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"

	"drover/bpf"
)

// ErrServicesFull says that a service found no slot: its bucket is taken. Some 2000 services fit before that is likely.
var ErrServicesFull = errors.New("the service table has no slot left for it")

const (
	serviceBuckets    = uint32(bpf.DroverLimitsSERVICE_BUCKETS)
	servicesPerBucket = uint32(bpf.DroverLimitsSERVICES_PER_BUCKET)
)

// serviceID is the place of a service in the index, and so its id in every other table.
type serviceID uint32

func (id serviceID) bucket() uint32 { return uint32(id) / servicesPerBucket }
func (id serviceID) slot() uint32   { return uint32(id) % servicesPerBucket }

// serviceHash is the bucket of a key; bpf/service.h computes the same.
func serviceHash(key bpf.DroverServiceKey) uint32 {
	var raw [8]byte
	binary.NativeEndian.PutUint32(raw[0:], key.Address)
	binary.NativeEndian.PutUint16(raw[4:], key.Port)
	raw[6], raw[7] = key.Protocol, key.Pad
	word := binary.NativeEndian.Uint64(raw[:])
	word = (word ^ word>>32) * 0x9e3779b97f4a7c15
	return uint32(word>>48) & (serviceBuckets - 1)
}

// index mirrors the service_index map.
type index map[uint32]bpf.DroverServiceBucket

// find returns the id of a key that is in the index.
func (x index) find(key bpf.DroverServiceKey) (serviceID, bool) {
	at := serviceHash(key)
	for slot, k := range x[at].Key {
		if k == key {
			return serviceID(at*servicesPerBucket + uint32(slot)), true
		}
	}
	return 0, false
}

// free returns the id that a new key will have.
func (x index) free(key bpf.DroverServiceKey) (serviceID, error) {
	at := serviceHash(key)
	for slot, k := range x[at].Key {
		if k == (bpf.DroverServiceKey{}) {
			return serviceID(at*servicesPerBucket + uint32(slot)), nil
		}
	}
	return 0, ErrServicesFull
}

func encodeKey(k ServiceKey) (bpf.DroverServiceKey, error) {
	address, err := encodeAddress(k.Address.Addr())
	if err != nil {
		return bpf.DroverServiceKey{}, fmt.Errorf("service %s: %w", k, err)
	}
	return bpf.DroverServiceKey{Address: address, Port: encodePort(k.Address.Port()), Protocol: uint8(k.Protocol)}, nil
}

func decodeKey(k bpf.DroverServiceKey) ServiceKey {
	return ServiceKey{
		Address:  netip.AddrPortFrom(decodeAddress(k.Address), decodePort(k.Port)),
		Protocol: Protocol(k.Protocol),
	}
}

// The program compares addresses and ports as they stand in the packet, in network byte order.

func encodeAddress(a netip.Addr) (uint32, error) {
	if !a.Is4() {
		return 0, fmt.Errorf("%s is not an IPv4 address", a)
	}
	four := a.As4()
	return binary.NativeEndian.Uint32(four[:]), nil
}

func decodeAddress(raw uint32) netip.Addr {
	var four [4]byte
	binary.NativeEndian.PutUint32(four[:], raw)
	return netip.AddrFrom4(four)
}

func encodePort(port uint16) uint16 {
	var two [2]byte
	binary.BigEndian.PutUint16(two[:], port)
	return binary.NativeEndian.Uint16(two[:])
}

func decodePort(raw uint16) uint16 { return encodePort(raw) }
