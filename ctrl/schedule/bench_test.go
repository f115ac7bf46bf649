package schedule

import "testing"

// BenchmarkSchedules makes each array for the 200 real servers of one virtual server.
func BenchmarkSchedules(b *testing.B) {
	same, different, some := equal(200), ascending(200), equal(200)
	for i := 0; i < len(some); i += 5 {
		some[i].Weight += i / 5
	}
	some[199].Weight += 1024 - sum(weightsOf(some))
	for _, bench := range []struct {
		name     string
		schedule func() []int
	}{
		{"turns/of-equal-weights", func() []int { return Turns(same, 1024) }},
		{"turns/of-weights-that-sum-to-1024", func() []int { return Turns(some, 1024) }},
		{"turns/fitted-into-1024", func() []int { return Turns(different, 1024) }},
		{"turns/fitted-into-4096", func() []int { return Turns(different, 4096) }},
		{"maglev/of-equal-weights", func() []int { return Maglev(same, 4093) }},
		{"maglev/of-different-weights", func() []int { return Maglev(different, 4093) }},
		{"source-hash", func() []int { return SourceHash(same) }},
		{"by-weight", func() []int { return ByWeight(different) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				bench.schedule()
			}
		})
	}
}
