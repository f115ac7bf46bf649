package dataplane

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"net/netip"

	"drover/bpf"
)

// ErrServicesFull says that a service found no slot: its bucket is taken. Some 4000 services fit before that is likely.
var ErrServicesFull = errors.New("the service table has no slot left for it")

const (
	serviceBuckets    = uint32(bpf.DroverLimitsSERVICE_BUCKETS)
	servicesPerBucket = uint32(bpf.DroverLimitsSERVICES_PER_BUCKET)
	idsPerBucket      = uint32(bpf.DroverLimitsIDS_PER_BUCKET)
)

// serviceID is the place of a service in the index, and so its id in every other table.
type serviceID uint32

func serviceAt(bucket uint32, slot int) serviceID {
	return serviceID(bucket*idsPerBucket + uint32(slot))
}

func (id serviceID) bucket() uint32 { return uint32(id) / idsPerBucket }
func (id serviceID) slot() uint32   { return uint32(id) % idsPerBucket }

// serviceHash is the bucket of a key; bpf/service.h computes the same.
func serviceHash(key bpf.DroverServiceKey) uint32 {
	var raw [8]byte
	binary.NativeEndian.PutUint32(raw[0:], key.Address)
	binary.NativeEndian.PutUint16(raw[4:], key.Port)
	raw[6], raw[7] = key.Protocol, uint8(key.Family)
	word := binary.NativeEndian.Uint64(raw[:])
	word = (word ^ word>>32) * 0x9e3779b97f4a7c15
	return uint32(word>>48) & (serviceBuckets - 1)
}

// foldAddress is what stands for an IPv6 address in a key: with the seed of the flow table in those of flows, with none in
// those of services. bpf/service.h computes the same.
func foldAddress(a netip.Addr, seed uint64) uint32 {
	raw := a.As16()
	x := spread(binary.NativeEndian.Uint64(raw[:8]), seed) ^ binary.NativeEndian.Uint64(raw[8:])
	x = (x ^ x>>32) * 0x9e3779b97f4a7c15
	x = (x ^ x>>29) * 0xd6e8feb86659fd93
	return uint32(x >> 32)
}

// spread is what the high half of an address changes in the low one.
func spread(high, seed uint64) uint64 {
	return bits.ReverseBytes64((high^seed)*0xff51afd7ed558ccd) * 0xc4ceb9fe1a85ec53
}

// index mirrors the service_index map.
type index map[uint32]bpf.DroverServiceBucket

// find returns the id of a key that is in the index.
func (x index) find(key bpf.DroverServiceKey) (serviceID, bool) {
	at := serviceHash(key)
	for slot, k := range x[at].Key {
		if k == key {
			return serviceAt(at, slot), true
		}
	}
	return 0, false
}

// take gives a new key its place. Two IPv6 addresses may have one key, if one in four billion times: the second finds
// no place.
func (x index) take(key bpf.DroverServiceKey) (serviceID, error) {
	at := serviceHash(key)
	if _, there := x.find(key); there {
		return 0, ErrServicesFull
	}
	bucket := x[at]
	for slot, k := range bucket.Key {
		if k == (bpf.DroverServiceKey{}) {
			bucket.Key[slot] = key
			x[at] = bucket
			return serviceAt(at, slot), nil
		}
	}
	return 0, ErrServicesFull
}

// describe notes what the express lane asks of a service. It returns whether that is news.
func (x index) describe(id serviceID, s Service) bool {
	bucket, bit := x[id.bucket()], uint8(1)<<id.slot()
	bucket.Terms.Gate[id.slot()] = uint8(s.Gate)
	bucket.Terms.HasLocal &^= bit
	if s.HasLocal {
		bucket.Terms.HasLocal |= bit
	}
	isNew := x[id.bucket()] != bucket
	x[id.bucket()] = bucket
	return isNew
}

// give frees the place of a key. Its terms stay: a packet that has seen the key may still ask for them.
func (x index) give(id serviceID) {
	bucket := x[id.bucket()]
	bucket.Key[id.slot()] = bpf.DroverServiceKey{}
	x[id.bucket()] = bucket
}

func encodeKey(k ServiceKey) (bpf.DroverServiceKey, error) {
	raw := bpf.DroverServiceKey{Port: encodePort(k.Address.Port()), Protocol: uint8(k.Protocol)}
	switch a := k.Address.Addr(); {
	case a.Is4():
		raw.Family, raw.Address = bpf.DroverFamilyIPV4, encodeIPv4(a)
	case a.Is6() && !a.Is4In6() && a.Zone() == "":
		raw.Family, raw.Address = bpf.DroverFamilyIPV6, foldAddress(a, 0)
	default:
		return raw, fmt.Errorf("service %s: not an IPv4 or IPv6 address", k)
	}
	return raw, nil
}

// decodeKey needs what the service holds of an IPv6 address, which the key only stands for.
func decodeKey(k bpf.DroverServiceKey, whole bpf.DroverIn6Addr) ServiceKey {
	address := netip.AddrFrom16(whole.In6U.U6Addr8)
	if k.Family == bpf.DroverFamilyIPV4 {
		address = decodeIPv4(k.Address)
	}
	return ServiceKey{Address: netip.AddrPortFrom(address, decodePort(k.Port)), Protocol: Protocol(k.Protocol)}
}
