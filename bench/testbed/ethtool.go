package testbed

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// An offload is a feature of an interface that ethtool(8) can turn off. Values are commands of linux/ethtool.h.
type offload uint32

const (
	txChecksum     offload = 0x17 // ETHTOOL_STXCSUM; segmentation depends on it and goes with it
	scatterGather  offload = 0x19 // ETHTOOL_SSG
	genericReceive offload = 0x2c // ETHTOOL_SGRO
	genericSegment offload = 0x24 // ETHTOOL_SGSO
)

// ethtoolValue is struct ethtool_value.
type ethtoolValue struct {
	command uint32
	data    uint32
}

// ethtoolRequest is struct ifreq with ifr_data.
type ethtoolRequest struct {
	name [unix.IFNAMSIZ]byte
	data unsafe.Pointer
	_    [16]byte // struct ifreq is larger than what SIOCETHTOOL uses of it
}

// disable turns the offloads of an interface in the calling thread's network namespace off, so that the frames on the
// cable are complete: one segment each, with a finished checksum.
func disable(ifname string, offloads ...offload) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	for _, feature := range offloads {
		value := ethtoolValue{command: uint32(feature)}
		request := ethtoolRequest{data: unsafe.Pointer(&value)}
		copy(request.name[:unix.IFNAMSIZ-1], ifname)
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCETHTOOL, uintptr(unsafe.Pointer(&request)))
		if errno != 0 {
			return fmt.Errorf("turn off offload %#x of %s: %w", uint32(feature), ifname, errno)
		}
	}
	return nil
}
