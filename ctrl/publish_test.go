package ctrl

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"drover/ctrl/config"
)

func TestWhatIsWrongIsLoggedOnceHoweverManyRealServersItComesTo(t *testing.T) {
	cfg := tutorialConfig()
	for i := range cfg.VirtualServers[0].RealServers {
		cfg.VirtualServers[0].RealServers[i].Checks[0].Path = config.PathAuto
	}
	var log bytes.Buffer
	c := &Controller{known: *allWell(cfg), log: slog.New(slog.NewTextHandler(&log, nil))}
	watch := func(want int, text string) {
		t.Helper()
		log.Reset()
		c.surveys = true
		c.watchLAN()
		if got := strings.Count(log.String(), text); got != want {
			t.Errorf("%q is logged %d times, want %d:\n%s", text, got, want, &log)
		}
	}
	const wrong = "none of them through the VIP"
	first, second := memberOf(&c.known, realKey{web, web0}).checks[0], memberOf(&c.known, realKey{web, web1}).checks[0]
	watch(0, wrong)
	second.sight = sight{ruling: doubted, through: "no answer for 1s"}
	watch(1, "level=WARN")
	first.sight = sight{ruling: doubted, through: "connection refused"}
	watch(0, wrong)
	first.sight, second.sight = sight{}, sight{}
	watch(1, "over: ")
	watch(0, wrong)
}
