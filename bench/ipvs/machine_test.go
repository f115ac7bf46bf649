package ipvs

import (
	"errors"
	"strings"
	"testing"
)

func TestConsoleSaysWhyTheMachineFailed(t *testing.T) {
	boot := strings.Repeat("booting\n", 100)
	for _, test := range []struct {
		name, console, first, last string
	}{
		{"its last words when it did not boot", boot + "no root\n", "booting", "no root"},
		{
			"the first words of its init when it did", boot + "Run /init as init process\nno luck\n" +
				strings.Repeat("trace\n", 100), "no luck", "trace",
		},
		{"all when there is little", "no memory\n", "no memory", "no memory"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cause := errors.New("exit status 1")
			err := withConsole(cause, []byte(test.console))
			lines := strings.Split(err.Error(), "\n")[1:]
			if !errors.Is(err, cause) || len(lines) > 20 || lines[0] != test.first || lines[len(lines)-1] != test.last {
				t.Errorf("got %v", err)
			}
		})
	}
}
