package ctrl

import (
	"encoding/json"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/vrrp"
)

// overThere is a value as the other process reads it.
func overThere[value any](t *testing.T, v value) (got value) {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return got
}

// Every keyword of an instance is in the reference configuration.
func TestAnInstanceReachesTheProcessOfVRRPAsItIsConfigured(t *testing.T) {
	src := make(memory)
	err := filepath.WalkDir("config/testdata", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			var text []byte
			text, err = os.ReadFile(path)
			src[path] = string(text)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	c, findings := config.Load("config/testdata/reference.conf", src)
	if c == nil || len(c.Instances) == 0 {
		t.Fatalf("the reference configuration has no instances: %v", findings)
	}
	for _, i := range c.Instances {
		if got := overThere(t, order{Add: &addOrder{7, i, 3}}); !reflect.DeepEqual(got, order{Add: &addOrder{7, i, 3}}) {
			t.Errorf("sent     %+v\nreceived %+v", i, got.Add.Instance)
		}
	}
}

func TestFitnessAndStatusReachTheOtherProcess(t *testing.T) {
	fit := fitness{weight: -3, reason: "script web", fault: "down", pending: "file x", yield: "no real server"}
	if got := overThere(t, fit); got != fit {
		t.Errorf("fitness %+v, want %+v", got, fit)
	}
	var late lateness
	late.add(time.Second)
	late.add(time.Microsecond)
	status := routerStatus{
		state: vrrp.Master, before: vrrp.Faulty, since: noon, reason: "heard no master", priority: 12,
		master: netip.MustParseAddr("192.168.100.212"), late: late, sent: 5, received: 6,
		rivals:  rivals{netip.MustParseAddr("fe80::1"): {3, noon}},
		dropped: map[vrrp.DropReason]uint64{vrrp.DropTTL: 2},
	}
	for what, value := range map[string]reflect.Value{"fitness": reflect.ValueOf(fit), "status": reflect.ValueOf(status)} {
		for n := range value.NumField() {
			if value.Field(n).IsZero() {
				t.Errorf("the test does not send the field %s of a %s", value.Type().Field(n).Name, what)
			}
		}
	}
	if got := overThere(t, status); !reflect.DeepEqual(got, status) {
		t.Errorf("status %+v, want %+v", got, status)
	}
}
