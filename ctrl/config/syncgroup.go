package config

// groupDraft is a sync group while its block is read.
type groupDraft struct {
	SyncGroup
	groupAt Position
	members []word

	// priorityChanges is for members that do not say themselves, if it is
	// written.
	priorityChanges   bool
	priorityChangesAt Position
}

var syncGroupGrammar = grammar[groupDraft]{
	block: "vrrp_sync_group",
	served: with(
		notifyKeywords(func(g *groupDraft) *Notify { return &g.Notify }),
		trackingKeywords(func(g *groupDraft) *Tracking { return &g.Tracking }),
		map[string]keyword[groupDraft]{
			"notify_priority_changes": at(func(g *groupDraft) *Position { return &g.priorityChangesAt },
				boolean(func(g *groupDraft) *bool { return &g.priorityChanges })),
			"group":                      {block: true, read: readMembers},
			"sync_group_tracking_weight": flag(func(g *groupDraft) { g.TrackingWeight = true }),
			"global_tracking":            flag(func(g *groupDraft) { g.TrackingWeight = true }),
		}),
	unserved: join(
		unserved("what it tracks changes neither priority nor state", "track_bfd"),
		unserved("no mail is sent; notify_master and its like can run a script that sends one", "smtp_alert"),
	),
}

// readMembers reads the names of instances, one or more a line.
func readMembers(p *parser, s *statement, into *groupDraft) {
	if into.groupAt.written() {
		p.errorf(s.keyword().Position, "group is written already, at %s: put all members into it", into.groupAt)
		return
	}
	into.groupAt = s.keyword().Position
	for _, line := range s.block.statements {
		if !p.refuseBlock(line) {
			into.members = append(into.members, line.words...)
		}
	}
}

// syncGroup reads a vrrp_sync_group block. All instances are known.
func (p *parser) syncGroup(s *statement) {
	g, before := &groupDraft{SyncGroup: SyncGroup{Position: s.keyword().Position, Name: s.args()[0].text}}, p.errors
	if other, ok := p.syncGroups[g.Name]; ok {
		p.errorf(g.Position, "vrrp_sync_group %s is already defined at %s", g.Name, other)
	}
	syncGroupGrammar.read(p, s.block.statements, g)
	for _, name := range g.members {
		p.syncMember(name, g)
	}
	switch {
	case p.errors > before:
		return
	case len(g.members) == 0:
		p.errorf(g.Position, "vrrp_sync_group %s needs a group with the names of its instances", g.Name)
		return
	case len(g.members) == 1:
		p.warnf(g.Position, "vrrp_sync_group %s has one member only: there is nothing to keep together", g.Name)
	}
	p.syncGroups[g.Name] = g.Position
	p.config.SyncGroups = append(p.config.SyncGroups, g.SyncGroup)
	p.useTracked(g.TrackInterfaces)
}

// syncMember adds an instance to a group. One with errors is not there, and needs
// no other finding.
func (p *parser) syncMember(name word, g *groupDraft) {
	if other, ok := p.memberOf[name.text]; ok {
		p.errorf(name.Position, "instance %s is already in vrrp_sync_group %s: it can be in one only, and once", name.text, other)
		return
	}
	if _, ok := p.instanceNames[name.text]; !ok {
		p.absentf(name.Position, "there is no vrrp_instance %s%s", name.text, nearestName(p.report, name.text, p.instanceNames))
		return
	}
	p.memberOf[name.text] = g.Name
	n, ok := p.instanceAt[name.text]
	if !ok {
		return
	}
	i := &p.config.Instances[n]
	g.Members = append(g.Members, i.Name)
	if g.priorityChangesAt.written() && !p.ownPriorityChanges[i.Name] {
		i.NotifyPriorityChanges = g.priorityChanges
	}
	p.dropShared(i, g)
	if !g.TrackingWeight {
		p.levelWeights(i, g.Name)
	}
}
