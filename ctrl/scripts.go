package ctrl

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"drover/ctrl/config"
	"drover/ctrl/notify"
	"drover/ctrl/script"
	"drover/ctrl/track"
)

// farewellTime is how long notify scripts have in the end.
const farewellTime = 5 * time.Second

// openScripts makes what runs scripts.
func (c *Controller) openScripts(cfg *config.Config) error {
	launcher, err := script.NewLauncher(script.Settings{Security: cfg.ScriptSecurity})
	if err != nil {
		return err
	}
	c.launcher = launcher
	c.notifier = notify.New(launcher.Run, c.log)
	c.tracker = track.New(track.Config{
		Run: launcher.Run, Log: c.log,
		Report: func(r track.Result) { c.post(func() { c.onTracked(r) }) },
	})
	c.probing.runner, c.probing.values = launcher, fileValues{c.tracker}
	return nil
}

// onTracked has those look at a tracker who hang on it: Results has what there is to see.
func (c *Controller) onTracked(r track.Result) {
	c.unfit()
	if r.Kind == track.File {
		c.checkers.fileChanged(r.Name)
	}
}

// followScripts makes scripts, files, processes and FIFOs be as configured.
func (c *Controller) followScripts(cfg *config.Config) error {
	c.launcher.Configure(script.Settings{Security: cfg.ScriptSecurity})
	return errors.Join(c.tracker.Update(trackersOf(cfg)), c.notifier.Update(notifyOf(cfg)))
}

// closeScripts ends all scripts, once what was told has reached them.
func (c *Controller) closeScripts() error {
	if c.launcher == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), farewellTime)
	defer cancel()
	err := c.notifier.Close(ctx)
	c.tracker.Close()
	c.launcher.Close()
	return err
}

// trackersOf are the trackers that an instance, a sync group or a check uses.
func trackersOf(c *config.Config) track.Options {
	used := make(map[trackKey]bool)
	use := func(t config.Tracking) {
		for _, k := range byKind(t) {
			for _, one := range k.list {
				used[trackKey{k.kind, one.Name}] = true
			}
		}
	}
	for _, i := range c.Instances {
		use(i.Tracking)
	}
	for _, g := range c.SyncGroups {
		use(g.Tracking)
	}
	for _, v := range c.VirtualServers {
		for _, r := range v.RealServers {
			for _, check := range r.Checks {
				if q, is := check.Question.(*config.FileCheck); is {
					used[trackKey{track.File, q.File}] = true
				}
			}
		}
	}
	var options track.Options
	for _, s := range c.Scripts {
		if used[trackKey{track.Script, s.Name}] {
			options.Scripts = append(options.Scripts, scriptOf(s))
		}
	}
	for _, f := range c.TrackFiles {
		if used[trackKey{track.File, f.Name}] {
			options.Files = append(options.Files, fileOf(f))
		}
	}
	for _, p := range c.TrackProcesses {
		if used[trackKey{track.Process, p.Name}] {
			options.Processes = append(options.Processes, processOf(p))
		}
	}
	return options
}

func scriptOf(s config.Script) track.ScriptOptions {
	return track.ScriptOptions{
		Name: s.Name, Command: s.Command, User: s.User, Group: s.Group, Interval: s.Interval, Timeout: s.Timeout,
		Rise: s.Rise, Fall: s.Fall, InitFail: s.InitFail,
	}
}

func fileOf(f config.TrackFile) track.FileOptions {
	options := track.FileOptions{Name: f.Name, Path: f.Path}
	if f.InitFile {
		options.Init = &track.FileInit{Value: f.InitValue, Overwrite: f.Overwrite}
	}
	return options
}

// parameterMatches are config's ways to compare parameters, in the terms of track.
var parameterMatches = map[config.ParameterMatch]track.ParameterMatch{
	config.MatchAny: track.AnyParameters, config.MatchExact: track.ExactParameters,
	config.MatchPartial: track.PartialParameters, config.MatchInitial: track.InitialParameters,
}

func processOf(p config.TrackProcess) track.ProcessOptions {
	return track.ProcessOptions{
		Name: p.Name, Command: p.Command, FullCommand: p.FullCommand, Parameters: parameterMatches[p.Match],
		Minimum: p.Quorum, Maximum: p.QuorumMax, ForkDelay: p.ForkDelay, TerminateDelay: p.TerminateDelay,
	}
}

// notifyOf is whom a configuration wants told.
func notifyOf(c *config.Config) notify.Options {
	options := notify.Options{Scripts: make(map[notify.Subject]notify.Scripts)}
	for _, i := range c.Instances {
		told := scriptsOf(i.Notify)
		told.PriorityChanges = i.NotifyPriorityChanges
		options.Scripts[notify.Subject{Kind: notify.Instance, Name: i.Name}] = told
	}
	for _, g := range c.SyncGroups {
		options.Scripts[notify.Subject{Kind: notify.Group, Name: g.Name}] = scriptsOf(g.Notify)
	}
	numbers := make(map[string]int)
	for n := range c.VirtualServers {
		tellOfServers(&c.VirtualServers[n], numbers, options.Scripts)
	}
	for _, to := range []struct {
		fifo  config.FIFO
		hears notify.Audience
	}{{c.NotifyFIFO, notify.HearsAll}, {c.VRRPNotifyFIFO, notify.HearsVRRP}, {c.LVSNotifyFIFO, notify.HearsServers}} {
		if f := to.fifo; f.Path != "" {
			options.FIFOs = append(options.FIFOs, notify.FIFO{
				Path: f.Path, User: f.User, Group: f.Group, Script: commandOf(f.Script), Hears: to.hears,
			})
		}
	}
	return options
}

// tellOfServers adds the scripts of a virtual server and of its real servers. It counts on in numbers.
func tellOfServers(v *config.VirtualServer, numbers map[string]int, scripts map[notify.Subject]notify.Scripts) {
	key := keyOfPool(v, numbers)
	if v.QuorumUp != nil || v.QuorumDown != nil {
		scripts[key.subject(netip.AddrPort{})] = notify.Scripts{Up: commandOf(v.QuorumUp), Down: commandOf(v.QuorumDown)}
	}
	for _, r := range v.RealServers {
		if r.NotifyUp != nil || r.NotifyDown != nil {
			real := key.subject(netip.AddrPortFrom(r.Address, r.Port))
			scripts[real] = notify.Scripts{Up: commandOf(r.NotifyUp), Down: commandOf(r.NotifyDown)}
		}
	}
}

func scriptsOf(n config.Notify) notify.Scripts {
	return notify.Scripts{
		Master: commandOf(n.Master), Backup: commandOf(n.Backup), Fault: commandOf(n.Fault), Stop: commandOf(n.Stop),
		Deleted: commandOf(n.Deleted), LowerPriority: commandOf(n.LowerPriority), Any: commandOf(n.Any),
	}
}

func commandOf(s *config.NotifyScript) *notify.Script {
	if s == nil {
		return nil
	}
	return &notify.Script{Command: s.Command, User: s.User, Group: s.Group}
}
