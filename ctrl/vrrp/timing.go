package vrrp

import "time"

// SkewTime is Skew_Time for the configured priority and interval: it lets the
// backup of the highest priority take over first. Version 2 has
// (256 - Priority) / 256 of a second (RFC 3768 section 6.1), version 3 of the
// advert interval (RFC 9568 section 6.1).
func (s Settings) SkewTime() time.Duration {
	return s.skewTime(s.Priority, s.AdvertInterval)
}

func (s Settings) skewTime(priority uint8, interval time.Duration) time.Duration {
	if s.Version == version2 {
		interval = time.Second
	}
	return time.Duration(256-int(priority)) * interval / 256
}

// LongestSkew is the Skew_Time of the lowest priority: how long after the goodbye
// of a master with these settings any backup has taken over.
func (s Settings) LongestSkew() time.Duration {
	return s.skewTime(1, s.AdvertInterval)
}

// LeaseDuration is how long a master may count on being alone after its last
// advert: DownTimerAdverts x AdvertInterval, 30 ms for adverts every 10 ms. That
// is the earliest moment at which a backup takes over for want of adverts, since
// a backup, which in version 3 has learned our interval, waits that long plus its
// own Skew_Time. It presumes that every member has the same down_timer_adverts.
// A backup that preempts waits for nobody, but is heard. Each SendAdvert of a
// MASTER renews the lease.
func (s Settings) LeaseDuration() time.Duration {
	return time.Duration(s.DownTimerAdverts) * s.AdvertInterval
}

// DownInterval is Master_Down_Interval (RFC 9568 section 6.1) before another
// interval is learned and while nothing tracked changes the priority: a backup
// that hears no master for this long takes over.
func (s Settings) DownInterval() time.Duration {
	return s.LeaseDuration() + s.SkewTime()
}

// skewTime is Skew_Time for what was learned of the master and what is tracked.
func (m *Machine) skewTime() time.Duration {
	return m.settings.skewTime(m.Priority(), m.interval)
}

// patience is Master_Down_Interval without the skew.
func (m *Machine) patience() time.Duration {
	return time.Duration(m.settings.DownTimerAdverts) * m.interval
}

func (m *Machine) downInterval() time.Duration {
	return m.patience() + m.skewTime()
}

// learn takes the master's interval over: Master_Adver_Interval, RFC 9568
// section 6.4.2. Version 2 has listened only to adverts of our own.
func (m *Machine) learn(a Advert) {
	if a.Interval != m.interval {
		m.notef("the master's adverts come every %v, before it was every %v", a.Interval, m.interval)
	}
	m.interval = a.Interval
}
