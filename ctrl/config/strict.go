package config

// completeStrict enforces strict mode: what the RFC does not know is reset, as
// in keepalived. What it demands and the configuration lacks is found by
// checkInstance.
func (p *parser) completeStrict(i *instanceDraft) {
	reset := func(at Position, format string, args ...any) {
		if at.written() {
			p.warnf(at, format, args...)
		}
	}
	if (i.State == Master) != (i.Priority == owner) {
		state := Backup
		if i.Priority == owner {
			state = Master
		}
		reset(i.stateAt, "in strict mode state %s does not fit priority %d: %s is used", i.State, i.Priority, state)
		i.State = state
	}
	if i.AuthType != AuthNone {
		i.AuthType, i.AuthPass = AuthNone, ""
		p.warnf(i.authentication.Position, "in strict mode there is no authentication: it is passed over (RFC 3768 section 5.3.6)")
	}
	if i.PreemptDelay > 0 {
		i.PreemptDelay = 0
		reset(i.delayAt, "preempt_delay has no effect in strict mode")
	}
	if i.accepts && i.Version == 2 && i.Priority != owner {
		i.accepts = false
		reset(i.acceptAt, "accept has no effect in strict mode with VRRP version 2 (RFC 3768 section 6.4.3)")
	}
	i.Accept = i.accepts || i.Priority == owner && !i.refuses
	if i.DownTimerAdverts != defaultDownAdverts {
		i.DownTimerAdverts = defaultDownAdverts
		reset(i.downAt, "down_timer_adverts has no effect in strict mode")
	}
	p.strictAnswers(i, reset)
}

// strictAnswers makes a master treat the adverts of others as RFC 9568 section
// 6.4.3 says.
func (p *parser) strictAnswers(i *instanceDraft, reset func(Position, string, ...any)) {
	if !i.LowerPrioNoAdvert {
		i.LowerPrioNoAdvert = true
		reset(i.lowerAt, "lower_prio_no_advert is always on in strict mode")
	}
	if i.HigherPrioSendAdvert {
		i.HigherPrioSendAdvert = false
		reset(i.higherAt, "higher_prio_send_advert has no effect in strict mode")
	}
	if i.Priority == owner && !i.OwnerIgnoresAdverts {
		i.OwnerIgnoresAdverts = true
		reset(i.ownerAt, "owner_ignore_adverts is always on in strict mode (RFC 9568 section 7.1)")
	}
	if i.GARP.LowerPrioRepeat > 0 {
		reset(i.lowerGARPAt, "garp_lower_prio_repeat has no effect in strict mode")
	}
	i.GARP.LowerPrioDelay, i.GARP.LowerPrioRepeat = 0, 0
	if i.VMAC != nil && i.VMAC.TransmitBase && len(i.Unicast) == 0 {
		i.VMAC.TransmitBase = false
		reset(i.transmitBaseAt, "vmac_xmit_base has no effect in strict mode")
	}
}
