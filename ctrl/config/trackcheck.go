package config

import "slices"

// completeTracking passes over what an instance cannot track: its own interface,
// and with priority 255 what would change it.
func (p *parser) completeTracking(i *instanceDraft) {
	i.TrackInterfaces = slices.DeleteFunc(i.TrackInterfaces, func(t TrackInterface) bool {
		if t.Name != i.Interface {
			return false
		}
		p.warnf(t.Position, "%s is passed over: it is the interface of the instance, which tracks it unless dont_track_primary is written", t.Name)
		return true
	})
	if i.Priority != owner {
		return
	}
	const why = "priority 255 never changes"
	i.TrackInterfaces = slices.DeleteFunc(i.TrackInterfaces, func(t TrackInterface) bool {
		return t.Weight != 0 && p.passOver(t.Position, t.Name, t.Weight, why)
	})
	for _, list := range []*[]Track{&i.TrackScripts, &i.TrackFiles, &i.TrackProcesses} {
		*list = slices.DeleteFunc(*list, func(t Track) bool {
			return t.Weight != 0 && p.passOver(t.Position, t.Name, t.Weight, why)
		})
	}
}

// passOver says why something is not tracked, and is always true.
func (p *parser) passOver(at Position, name string, weight int, why string) bool {
	p.warnf(at, "%s is not tracked with weight %d: %s", name, weight, why)
	return true
}

// levelWeights takes the weights from what a member of a sync group tracks by
// itself: members whose priorities differ would pull the group apart. A script
// with a weight is not tracked at all then, as in keepalived; all else becomes a
// fault.
func (p *parser) levelWeights(i *Instance, group string) {
	why := "the priorities of sync group " + group + " must not differ; track it in the group"
	i.TrackScripts = slices.DeleteFunc(i.TrackScripts, func(t Track) bool {
		return t.Weight != 0 && p.passOver(t.Position, t.Name, t.Weight, why)
	})
	level := func(at Position, name string, weight *int) {
		if *weight != 0 {
			p.warnf(at, "%s has weight 0 instead of %d: %s", name, *weight, why)
			*weight = 0
		}
	}
	for n := range i.TrackInterfaces {
		t := &i.TrackInterfaces[n]
		level(t.Position, t.Name, &t.Weight)
	}
	for _, list := range [][]Track{i.TrackFiles, i.TrackProcesses} {
		for n := range list {
			level(list[n].Position, list[n].Name, &list[n].Weight)
		}
	}
}

// dropShared takes from a member of a sync group what the group tracks as well,
// so that it does not count twice.
func (p *parser) dropShared(i *Instance, g *groupDraft) {
	shared := func(at Position, name string) bool {
		p.warnf(at, "%s is passed over: sync group %s tracks it for all members", name, g.Name)
		return true
	}
	i.TrackInterfaces = slices.DeleteFunc(i.TrackInterfaces, func(t TrackInterface) bool {
		_, both := p.listed[listed{&g.TrackInterfaces, t.Name}]
		return both && shared(t.Position, t.Name)
	})
	for _, lists := range []struct{ own, group *[]Track }{
		{&i.TrackScripts, &g.TrackScripts}, {&i.TrackFiles, &g.TrackFiles}, {&i.TrackProcesses, &g.TrackProcesses},
	} {
		*lists.own = slices.DeleteFunc(*lists.own, func(t Track) bool {
			_, both := p.listed[listed{lists.group, t.Name}]
			return both && shared(t.Position, t.Name)
		})
	}
}
