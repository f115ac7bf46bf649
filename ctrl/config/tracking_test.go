package config

import (
	"reflect"
	"slices"
	"testing"
	"time"
)

// trackable defines something of each kind.
const trackable = `vrrp_script chk {
  script /bin/true
  weight 7 reverse
}
track_file load {
  file /run/load
}
vrrp_track_process web {
  process nginx
}
`

func TestWeights(t *testing.T) {
	for _, test := range []struct {
		name, settings string
		want           Tracking
	}{
		{"come from the script", "track_script {\nchk\n}",
			Tracking{TrackScripts: []Track{{Name: "chk", Weight: 7, Reverse: true}}}},
		{"of the line come before, and reverse stays", "track_script {\nchk weight -3\n}",
			Tracking{TrackScripts: []Track{{Name: "chk", Weight: -3, Reverse: true}}}},
		{"can be turned back", "track_script {\nchk weight 3 noreverse\n}",
			Tracking{TrackScripts: []Track{{Name: "chk", Weight: 3}}}},
		{"of 0 can be reversed, too", "track_interface {\neth1 weight 0 reverse\n}",
			Tracking{TrackInterfaces: []TrackInterface{{Name: "eth1", Reverse: true}}}},
		{"are 1 for files and 0 for processes", "track_file {\nload\n}\ntrack_process {\nweb\n}",
			Tracking{TrackFiles: []Track{{Name: "load", Weight: 1}}, TrackProcesses: []Track{{Name: "web"}}}},
		{"of files can be 254", "track_file {\nload weight -254\n}",
			Tracking{TrackFiles: []Track{{Name: "load", Weight: -254}}}},
		{"of scripts are cut at 253", "track_script {\nchk weight -254 noreverse\n}",
			Tracking{TrackScripts: []Track{{Name: "chk", Weight: -253}}}},
		{"do not count for the owner", "priority 255\ntrack_script {\nchk\n}\ntrack_process {\nweb\n}",
			Tracking{TrackScripts: []Track{}, TrackProcesses: []Track{{Name: "web"}}}},
		{"of the own interface do not count", "track_interface {\nenp1s0 weight 5\neth1\n}",
			Tracking{TrackInterfaces: []TrackInterface{{Name: "eth1"}}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			// What is tracked may be defined below.
			config := withoutPositions(*load(t, instanceText("A", 1, "10.0.0.1", test.settings)+trackable))
			if got := config.Instances[0].Tracking; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestSyncGroups(t *testing.T) {
	members := instanceText("A", 1, "10.0.0.1", "track_script {\nchk\n}\ntrack_file {\nload\n}\ntrack_interface {\neth1 weight 5\neth2\n}") +
		instanceText("B", 2, "10.0.0.2", "")
	for _, test := range []struct {
		name, settings string
		want           Tracking
	}{
		{"take the weights from their members", "",
			Tracking{
				TrackInterfaces: []TrackInterface{{Name: "eth1"}, {Name: "eth2"}},
				TrackScripts:    []Track{},
				TrackFiles:      []Track{{Name: "load"}},
			}},
		{"leave the weights to their members, if asked", "sync_group_tracking_weight",
			Tracking{
				TrackInterfaces: []TrackInterface{{Name: "eth1", Weight: 5}, {Name: "eth2"}},
				TrackScripts:    []Track{{Name: "chk", Weight: 7, Reverse: true}},
				TrackFiles:      []Track{{Name: "load", Weight: 1}},
			}},
		{"take from their members what they track themselves", "global_tracking\ntrack_script {\nchk\n}\ntrack_interface {\neth2\n}",
			Tracking{
				TrackInterfaces: []TrackInterface{{Name: "eth1", Weight: 5}},
				TrackScripts:    []Track{},
				TrackFiles:      []Track{{Name: "load", Weight: 1}},
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := withoutPositions(*load(t, trackable+"vrrp_sync_group G {\n group {\n A B\n }\n"+test.settings+"\n}\n"+members))
			if got := config.SyncGroups[0].Members; !slices.Equal(got, []string{"A", "B"}) {
				t.Errorf("members %v", got)
			}
			if got := config.Instances[0].Tracking; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestScriptDefaults(t *testing.T) {
	for _, test := range []struct {
		name, globals, settings string
		want                    Script
	}{
		{"are keepalived's", "", "",
			Script{Interval: time.Second, Timeout: time.Second, Rise: 1, Fall: 1}},
		{"let a script run for its interval", "", "interval 30",
			Script{Interval: 30 * time.Second, Timeout: 30 * time.Second, Rise: 1, Fall: 1}},
		{"take the user from global_defs", "script_user nobody nogroup", "",
			Script{Interval: time.Second, Timeout: time.Second, Rise: 1, Fall: 1, User: "nobody", Group: "nogroup"}},
		{"take no group of another user", "script_user nobody nogroup", "user www-data",
			Script{Interval: time.Second, Timeout: time.Second, Rise: 1, Fall: 1, User: "www-data"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			config := withoutPositions(*mustLoad(t, "vrrp_script x {\n script /bin/true\n"+test.settings+"\n}\nglobal_defs {\n"+test.globals+"\n}\n"))
			test.want.Name, test.want.Command = "x", []string{"/bin/true"}
			if got := config.Scripts[0]; !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestTrackProcesses(t *testing.T) {
	for _, test := range []struct {
		name, settings string
		want           TrackProcess
	}{
		{"go by their name", "process nginx",
			TrackProcess{Command: []string{"nginx"}, Quorum: 1, QuorumMax: 65535}},
		{"with parameters go by their command line", "process nginx -g 'daemon off'",
			TrackProcess{Command: []string{"nginx", "-g", "daemon off"}, FullCommand: true, Match: MatchExact, Quorum: 1, QuorumMax: 65535}},
		{"can have more parameters", "process nginx -g\nparam_match partial",
			TrackProcess{Command: []string{"nginx", "-g"}, FullCommand: true, Match: MatchPartial, Quorum: 1, QuorumMax: 65535}},
		{"can have longer parameters", "process nginx -g\nparam_match initial",
			TrackProcess{Command: []string{"nginx", "-g"}, FullCommand: true, Match: MatchInitial, Quorum: 1, QuorumMax: 65535}},
		{"can be without parameters", "process nginx\nparam_match initial",
			TrackProcess{Command: []string{"nginx"}, FullCommand: true, Match: MatchExact, Quorum: 1, QuorumMax: 65535}},
		{"must not run with a quorum_max of 0", "process nginx\nquorum_max 0",
			TrackProcess{Command: []string{"nginx"}}},
		{"have one delay for both ways", "process nginx\ndelay 0.5",
			TrackProcess{Command: []string{"nginx"}, Quorum: 1, QuorumMax: 65535,
				ForkDelay: 500 * time.Millisecond, TerminateDelay: 500 * time.Millisecond}},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.want.Name = "p"
			got := withoutPositions(*mustLoad(t, "vrrp_track_process p {\n"+test.settings+"\n}\n")).TrackProcesses[0]
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

// TestCommands compares with how keepalived 2.2.7 cuts commands.
func TestCommands(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
		closed     bool
	}{
		{"are cut at blanks", "/bin/a  b\tc ", []string{"/bin/a", "b", "c"}, true},
		{"keep what stands in quotes together", `/bin/a 'b c' "d e"`, []string{"/bin/a", "b c", "d e"}, true},
		{"have quotes inside a word", `/bin/a b' 'c`, []string{"/bin/a", "b c"}, true},
		{"have quotes inside quotes", `/bin/a "it's"`, []string{"/bin/a", "it's"}, true},
		{"keep an empty argument", `/bin/a ''`, []string{"/bin/a", ""}, true},
		{"keep an escaped blank", `/bin/a f\ g`, []string{"/bin/a", "f g"}, true},
		{"keep what a shell would read", "/bin/a $HOME && b > c", []string{"/bin/a", "$HOME", "&&", "b", ">", "c"}, true},
		{"end with their quotes", "/bin/a 'b", []string{"/bin/a", "b"}, false},
		{"can be nothing", " ", nil, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got, closed := splitCommand(test.text); !slices.Equal(got, test.want) || closed != test.closed {
				t.Errorf("got %q, closed %v", got, closed)
			}
		})
	}
}
