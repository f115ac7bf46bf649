package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// sampler notes again and again where in the kernel its thread is, by a timer: virtual machines seldom have counters that
// would tell more. An instruction that waits for memory is where the thread is for so long.
type sampler struct {
	event int
	ring  []byte // a page of the kernel's, then the records
}

const (
	samplePeriod = 100_000 // nanoseconds of the thread's time; a virtual machine takes ten of thousands for a timer alone
	ringRecords  = 1 << 20 // bytes: room for some seconds
)

// openSampler takes samples of the calling thread, which must not change. Root is needed.
func openSampler() (*sampler, error) {
	event, err := unix.PerfEventOpen(&unix.PerfEventAttr{
		Type: unix.PERF_TYPE_SOFTWARE, Config: unix.PERF_COUNT_SW_CPU_CLOCK, Size: uint32(unsafe.Sizeof(unix.PerfEventAttr{})),
		Sample: samplePeriod, Sample_type: unix.PERF_SAMPLE_IP, Bits: unix.PerfBitDisabled | unix.PerfBitExcludeUser,
	}, 0, -1, -1, unix.PERF_FLAG_FD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("open the timer of samples: %w", err)
	}
	ring, err := unix.Mmap(event, 0, unix.Getpagesize()+ringRecords, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("map the samples: %w", err), unix.Close(event))
	}
	return &sampler{event: event, ring: ring}, nil
}

func (s *sampler) close() error { return errors.Join(unix.Munmap(s.ring), unix.Close(s.event)) }

// during returns the addresses at which the thread was while do ran.
func (s *sampler) during(do func() error) (addresses []uint64, err error) {
	if err := unix.IoctlSetInt(s.event, unix.PERF_EVENT_IOC_ENABLE, 0); err != nil {
		return nil, fmt.Errorf("begin to take samples: %w", err)
	}
	err = do()
	if err := errors.Join(err, unix.IoctlSetInt(s.event, unix.PERF_EVENT_IOC_DISABLE, 0)); err != nil {
		return nil, fmt.Errorf("take samples: %w", err)
	}
	page := (*unix.PerfEventMmapPage)(unsafe.Pointer(&s.ring[0]))
	head := atomic.LoadUint64(&page.Data_head)
	addresses, err = parseSamples(s.ring[unix.Getpagesize():], page.Data_tail, head)
	atomic.StoreUint64(&page.Data_tail, head)
	return addresses, err
}

// errLostSamples says that the ring was too small.
var errLostSamples = errors.New("samples were lost: measure fewer packets")

// parseSamples reads the records of a ring between two places (perf_event_open(2), "MMAP layout").
func parseSamples(ring []byte, tail, head uint64) (addresses []uint64, err error) {
	const header = 8                                                                                  // type, misc, size
	word := func(at uint64) uint64 { return binary.NativeEndian.Uint64(ring[at%uint64(len(ring)):]) } // records are of words
	for tail < head {
		kind, size := uint32(word(tail)), word(tail)>>48
		switch {
		case size < header || tail+size > head:
			return nil, fmt.Errorf("a record of %d bytes in %d", size, head-tail)
		case kind == unix.PERF_RECORD_LOST:
			return nil, errLostSamples
		case kind == unix.PERF_RECORD_SAMPLE:
			addresses = append(addresses, word(tail+header))
		}
		tail += size
	}
	return addresses, nil
}
