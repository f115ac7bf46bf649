package ipvs

import "testing"

func TestConnectionsThatIPVSCounts(t *testing.T) {
	const titles = "       Total Incoming Outgoing         Incoming         Outgoing\n" +
		"CPU    Conns  Packets  Packets            Bytes            Bytes\n"
	for _, test := range []struct {
		name, text string
		want       uint64
		fails      bool
	}{
		{
			"the CPUs are added up, and what follows them is not",
			titles + "  0       1F       2A        0              690                0\n" +
				"  1        1        2        0               50                0\n" +
				"  ~       20       2C        0              6E0                0\n\n" +
				"     Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n" +
				"           7        7        0                0                0\n", 0x20, false,
		},
		{"no CPU, no connection", titles, 0, false},
		{"nothing at all", "", 0, false},
		{"no number", titles + "  0  many\n", 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseIPVSConnections(test.text)
			if got != test.want || (err != nil) != test.fails {
				t.Errorf("got %d, %v; want %d", got, err, test.want)
			}
		})
	}
}
