package config

// fifoDraft is a FIFO while global_defs is read.
type fifoDraft struct {
	FIFO
	scriptAt Position
}

// notifyKeywords are the scripts that instances and groups run.
func notifyKeywords[T any](notify func(*T) *Notify) map[string]keyword[T] {
	return map[string]keyword[T]{
		"notify_master": script(func(t *T) **NotifyScript { return &notify(t).Master }),
		"notify_backup": script(func(t *T) **NotifyScript { return &notify(t).Backup }),
		"notify_fault":  script(func(t *T) **NotifyScript { return &notify(t).Fault }),
		"notify_stop":   script(func(t *T) **NotifyScript { return &notify(t).Stop }),
		"notify":        script(func(t *T) **NotifyScript { return &notify(t).Any }),
	}
}

// script reads COMMAND [USER [GROUP]].
func script[T any](field func(*T) **NotifyScript) keyword[T] {
	return keyword[T]{min: 1, max: 3, needs: "a command", read: func(p *parser, s *statement, into *T) {
		p.notifyScript(s, field(into))
	}}
}

// instanceNotifyKeywords are what only instances tell.
var instanceNotifyKeywords = map[string]keyword[instanceDraft]{
	"notify_priority_changes": at(func(i *instanceDraft) *Position { return &i.priorityChangesAt },
		boolean(func(i *instanceDraft) *bool { return &i.NotifyPriorityChanges })),
	"notify_master_rx_lower_pri": script(func(i *instanceDraft) **NotifyScript { return &i.Notify.LowerPriority }),
	"notify_deleted": {max: 3, read: func(p *parser, s *statement, into *instanceDraft) {
		if len(s.args()) > 0 {
			p.notifyScript(s, &into.Notify.Deleted)
		} else if into.Notify.Deleted == nil {
			into.Notify.Deleted = &NotifyScript{Position: s.keyword().Position}
		}
	}},
}

// notifyScript reads COMMAND [USER [GROUP]]. Of several the first counts, as in
// keepalived.
func (p *parser) notifyScript(s *statement, into **NotifyScript) {
	if *into != nil {
		p.warnf(s.keyword().Position, "%s is passed over: it is written already, at %s", s.keyword().text, (*into).Position)
		return
	}
	command := p.command(s.keyword(), s.args()[0])
	if command == nil {
		return
	}
	by := userOf(s.args()[1:])
	if by.user == "" {
		by = p.globals.user
	}
	*into = &NotifyScript{s.keyword().Position, command, by.user, by.group}
}

// readFIFO reads PATH [USER [GROUP]].
func readFIFO(field func(*globals) *fifoDraft) func(*parser, *statement, *globals) {
	return func(p *parser, s *statement, into *globals) {
		fifo, path := field(into), s.args()[0]
		switch {
		case path.text == "":
			p.errorf(path.Position, "%s needs a path", s.keyword().text)
		case fifo.Path != "":
			p.warnf(path.Position, "%s is passed over: it is written already, at %s", path.text, fifo.Position)
		default:
			by := userOf(s.args()[1:])
			fifo.Position, fifo.Path, fifo.User, fifo.Group = path.Position, path.text, by.user, by.group
		}
	}
}

// readFIFOScript reads COMMAND [USER [GROUP]] of the script behind a FIFO. The
// user is known only at the end of global_defs.
func readFIFOScript(field func(*globals) *fifoDraft) func(*parser, *statement, *globals) {
	return func(p *parser, s *statement, into *globals) {
		fifo := field(into)
		fifo.scriptAt = s.keyword().Position
		p.notifyScript(s, &fifo.Script)
	}
}

// completeFIFOs checks the FIFOs of global_defs and puts them into the Config.
func (p *parser) completeFIFOs(g *globals) {
	paths := map[string]string{}
	for _, one := range []struct {
		keyword string
		*fifoDraft
	}{
		{"notify_fifo", &g.notifyFIFO}, {"vrrp_notify_fifo", &g.vrrpNotifyFIFO}, {"lvs_notify_fifo", &g.lvsNotifyFIFO},
	} {
		fifo := one.fifoDraft
		if other, ok := paths[fifo.Path]; ok {
			p.errorf(fifo.Position, "%s is %s already: write another path for %s", fifo.Path, other, one.keyword)
		}
		if fifo.Path != "" {
			paths[fifo.Path] = one.keyword
		}
		if fifo.Path == "" && fifo.Script != nil {
			p.warnf(fifo.scriptAt, "the script has no effect without a FIFO to read")
			fifo.Script = nil
		}
		if fifo.Script != nil && fifo.Script.User == "" {
			fifo.Script.User, fifo.Script.Group = g.user.user, g.user.group
		}
	}
	p.config.NotifyFIFO, p.config.VRRPNotifyFIFO = g.notifyFIFO.FIFO, g.vrrpNotifyFIFO.FIFO
	p.config.LVSNotifyFIFO = g.lvsNotifyFIFO.FIFO
}
