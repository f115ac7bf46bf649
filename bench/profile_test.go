package main

import (
	"encoding/binary"
	"errors"
	"math"
	"slices"
	"testing"

	"golang.org/x/sys/unix"
)

// ringRecord is a record as the kernel writes it.
func ringRecord(kind uint32, words ...uint64) []byte {
	record := binary.NativeEndian.AppendUint32(nil, kind)
	record = binary.NativeEndian.AppendUint16(record, 0)
	record = binary.NativeEndian.AppendUint16(record, uint16(8+8*len(words)))
	for _, w := range words {
		record = binary.NativeEndian.AppendUint64(record, w)
	}
	return record
}

func TestSamplesAreReadAroundTheEndOfTheRing(t *testing.T) {
	const size, tail = 64, 5*64 + 40
	ring, head := make([]byte, size), uint64(tail)
	for _, record := range [][]byte{
		ringRecord(unix.PERF_RECORD_SAMPLE, 1000), ringRecord(unix.PERF_RECORD_THROTTLE, 1, 2), ringRecord(unix.PERF_RECORD_SAMPLE, 2000),
	} {
		for _, b := range record {
			ring[head%size] = b
			head++
		}
	}
	addresses, err := parseSamples(ring, tail, head)
	if err != nil || !slices.Equal(addresses, []uint64{1000, 2000}) {
		t.Errorf("read %d, %v", addresses, err)
	}
}

func TestBadSamplesAreRefused(t *testing.T) {
	for name, record := range map[string][]byte{
		"a record that is cut":           ringRecord(unix.PERF_RECORD_SAMPLE, 1)[:8],
		"a record shorter than its head": {9, 0, 0, 0, 0, 0, 4, 0},
		"lost samples":                   ringRecord(unix.PERF_RECORD_LOST, 1, 7),
	} {
		_, err := parseSamples(record, 0, uint64(len(record)))
		if err == nil || errors.Is(err, errLostSamples) != (name == "lost samples") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAProfileAddsUp(t *testing.T) {
	often, seldom := sourceLine{"flow.h", 12, "look"}, sourceLine{"gate.h", 3, "open"}
	program := code{
		functions: [][2]uint64{{100, 200}, {300, 400}},
		lines:     []codeLine{{100, seldom}, {150, often}, {300, often}},
	}
	tally := make(map[sourceLine]int)
	addresses := slices.Concat(slices.Repeat([]uint64{151, 199, 399}, 30), []uint64{100}, slices.Repeat([]uint64{99, 200, 250}, 3))
	for _, a := range addresses {
		tally[program.at(a)]++
	}
	if tally[often] != 90 || tally[seldom] != 1 || tally[sourceLine{}] != 9 {
		t.Fatalf("found %v", tally)
	}
	lines := profileOf(tally, len(addresses), 200)
	want := []ProfileLine{{NS: 180, Place: "flow.h:12", Text: "look"}, {NS: 2, Place: lesserLines}, {NS: 18, Place: outside}}
	if len(lines) != len(want) {
		t.Fatalf("the profile is %v", lines)
	}
	for i, l := range lines {
		if math.Abs(l.NS-want[i].NS) > 0.01 || math.Abs(l.Share-want[i].NS/200) > 0.001 || l.Place != want[i].Place || l.Text != want[i].Text {
			t.Errorf("line %d is %v, want %v", i, l, want[i])
		}
	}
}
