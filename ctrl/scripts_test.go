package ctrl

import (
	"reflect"
	"testing"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/notify"
	"drover/ctrl/track"
)

// watchful tracks and tells all that can be tracked and told.
func watchful() *config.Config {
	tell := func(word string) *config.NotifyScript {
		return &config.NotifyScript{Command: []string{"/etc/note", word}, User: "u" + word, Group: "g" + word}
	}
	i := plainInstance()
	i.TrackScripts = []config.Track{{Name: "web"}}
	i.TrackFiles = []config.Track{{Name: "load"}}
	i.Notify = config.Notify{
		Master: tell("master"), Backup: tell("backup"), Fault: tell("fault"), Stop: tell("stop"), Deleted: tell("deleted"),
		LowerPriority: tell("lower"), Any: tell("any"),
	}
	i.NotifyPriorityChanges = true
	group := config.SyncGroup{Name: "BOTH", Members: []string{"SERVICE"}, Notify: config.Notify{Any: tell("group")}}
	group.TrackProcesses = []config.Track{{Name: "worker"}}
	server := tutorialConfig().VirtualServers[0]
	server.QuorumUp, server.QuorumDown, server.RealServers[0].NotifyDown = tell("gained"), tell("lost"), tell("down")
	server.RealServers[1].Checks = append(server.RealServers[1].Checks, config.Check{Question: &config.FileCheck{File: "checked"}})
	return &config.Config{
		Instances: []config.Instance{*i}, SyncGroups: []config.SyncGroup{group},
		Scripts: []config.Script{
			{
				Name: "web", Command: []string{"/bin/check"}, Interval: time.Second, Timeout: time.Minute, Rise: 2, Fall: 3,
				User: "u", Group: "g", InitFail: true,
			},
			{Name: "idle", Command: []string{"/bin/true"}},
		},
		TrackFiles: []config.TrackFile{
			{Name: "load", Path: "/run/load", InitFile: true, InitValue: 5, Overwrite: true}, {Name: "idle"}, {Name: "checked", Path: "/run/checked"},
		},
		TrackProcesses: []config.TrackProcess{
			{
				Name: "worker", Command: []string{"worker", "-x"}, FullCommand: true, Match: config.MatchInitial, Quorum: 2, QuorumMax: 4,
				ForkDelay: time.Second, TerminateDelay: time.Minute,
			},
			{Name: "idle"},
		},
		NotifyFIFO:     config.FIFO{Path: "/run/all", User: "u", Group: "g", Script: tell("all")},
		VRRPNotifyFIFO: config.FIFO{Path: "/run/vrrp"},
		LVSNotifyFIFO:  config.FIFO{Path: "/run/lvs"},
		VirtualServers: []config.VirtualServer{server},
	}
}

func TestTrackersAreThoseThatSomebodyTracks(t *testing.T) {
	want := track.Options{
		Scripts: []track.ScriptOptions{{
			Name: "web", Command: []string{"/bin/check"}, User: "u", Group: "g", Interval: time.Second, Timeout: time.Minute, Rise: 2,
			Fall: 3, InitFail: true,
		}},
		Files: []track.FileOptions{{Name: "load", Path: "/run/load", Init: &track.FileInit{Value: 5, Overwrite: true}}, {Name: "checked", Path: "/run/checked"}},
		Processes: []track.ProcessOptions{{
			Name: "worker", Command: []string{"worker", "-x"}, FullCommand: true, Parameters: track.InitialParameters,
			Minimum: 2, Maximum: 4, ForkDelay: time.Second, TerminateDelay: time.Minute,
		}},
	}
	if got := trackersOf(watchful()); !reflect.DeepEqual(got, want) {
		t.Errorf("trackers are\n%+v, want\n%+v", got, want)
	}
}

func TestWhoIsToldIsInTheTermsOfNotify(t *testing.T) {
	tell := func(word string) *notify.Script {
		return &notify.Script{Command: []string{"/etc/note", word}, User: "u" + word, Group: "g" + word}
	}
	want := notify.Options{
		Scripts: map[notify.Subject]notify.Scripts{
			{Kind: notify.Instance, Name: "SERVICE"}: {
				Master: tell("master"), Backup: tell("backup"), Fault: tell("fault"), Stop: tell("stop"), Deleted: tell("deleted"),
				LowerPriority: tell("lower"), Any: tell("any"), PriorityChanges: true,
			},
			{Kind: notify.Group, Name: "BOTH"}:                                                   {Any: tell("group")},
			{Kind: notify.VirtualServer, Name: "[192.168.100.221]:tcp:80"}:                       {Up: tell("gained"), Down: tell("lost")},
			{Kind: notify.RealServer, Name: "[192.168.100.150]:tcp:80 [192.168.100.221]:tcp:80"}: {Down: tell("down")},
		},
		FIFOs: []notify.FIFO{
			{Path: "/run/all", User: "u", Group: "g", Script: tell("all")}, {Path: "/run/vrrp", Hears: notify.HearsVRRP},
			{Path: "/run/lvs", Hears: notify.HearsServers},
		},
	}
	if got := notifyOf(watchful()); !reflect.DeepEqual(got, want) {
		t.Errorf("told are\n%+v, want\n%+v", got, want)
	}
}

// A field that is added to the configuration must not be forgotten here.
func TestTrackersHeedEveryFieldOfTheirs(t *testing.T) {
	before := trackersOf(watchful())
	seen := func(c *config.Config) bool { return !reflect.DeepEqual(trackersOf(c), before) }
	inTracking := []string{"Weight", "Reverse"} // fitness
	checkHeeded(t, "Script", watchful, func(c *config.Config) any { return &c.Scripts[0] }, seen, inTracking...)
	checkHeeded(t, "TrackFile", watchful, func(c *config.Config) any { return &c.TrackFiles[0] }, seen, inTracking...)
	checkHeeded(t, "TrackProcess", watchful, func(c *config.Config) any { return &c.TrackProcesses[0] }, seen, inTracking...)
	told := notifyOf(watchful())
	seen = func(c *config.Config) bool { return !reflect.DeepEqual(notifyOf(c), told) }
	checkHeeded(t, "Notify", watchful, func(c *config.Config) any { return &c.Instances[0].Notify }, seen)
	checkHeeded(t, "NotifyScript", watchful, func(c *config.Config) any { return c.Instances[0].Notify.Any }, seen)
	checkHeeded(t, "FIFO", watchful, func(c *config.Config) any { return &c.NotifyFIFO }, seen)
}
