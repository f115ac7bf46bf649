package ctrl

import (
	"log/slog"
	"time"

	"drover/ctrl/api"
)

// assess notes what has become known of virtual and real servers. It is told by publish, once the tables follow.
func (c *Controller) assess() {
	found, pending := c.known.assess(time.Now())
	c.news = append(c.news, found...)
	if pending {
		c.awaiting.Reset(resolveTime)
	}
}

// publish tells scripts, FIFOs and the log the news of virtual and real servers.
func (c *Controller) publish() {
	told := c.news
	c.news = nil
	for _, n := range told {
		c.logNews(n)
		c.notifier.Notify(n.event())
	}
}

func (c *Controller) logNews(n serverNews) {
	state, level := "up", slog.LevelInfo
	if !n.up {
		state, level = "down", slog.LevelWarn
	}
	service := n.pool.services[0]
	if n.member != nil {
		c.log.Log(c.running, level, "real server is "+state, "real_server", n.member.address, "virtual_server", service, "reason", n.reason)
		return
	}
	q, v := n.pool.quorum, n.pool.config
	if n.first && n.up {
		level = slog.LevelDebug // as it is to be
	}
	c.log.Log(c.running, level, "the quorum of a virtual server is "+state, "virtual_server", service, "weight", q.weight,
		"quorum", v.Quorum, "hysteresis", v.Hysteresis, "sorry_server", n.pool.apologizes())
}

// watchLAN logs once what is newly wrong on the LAN, but for what is logged as it is heard: claims of VIPs, and two hosts that
// answer for one address.
func (c *Controller) watchLAN() {
	if !c.surveys {
		return
	}
	c.surveys = false
	wrong := make(map[api.Finding]bool)
	for _, f := range c.known.findings() {
		if f.Kind == "vip-answered" || f.Kind == "address-twice" {
			continue
		}
		same := f
		same.Evidence, same.Cure = "", "" // which follow from whatever is heard of each real server
		known := c.wrong[same] || wrong[same]
		if wrong[same] = true; !known {
			c.log.Warn(f.Text, "about", f.Subject, "evidence", f.Evidence, "cure", f.Cure)
		}
	}
	for f := range c.wrong {
		if !wrong[f] {
			c.log.Info("over: "+f.Text, "about", f.Subject)
		}
	}
	c.wrong = wrong
}
