package config

import (
	"strings"
	"time"
)

// checkQuestion finds checks that ask what no server answers, or ask twice.
func (p *parser) checkQuestion(c Check) {
	pages, ok := c.Question.(*HTTPCheck)
	if !ok {
		return
	}
	switch port := c.To.Port(); {
	case pages.TLS == nil && port == 443:
		p.warnf(c.Position, "HTTP_GET goes to port 443, where servers speak TLS: write SSL_GET")
	case pages.TLS != nil && port == 80:
		p.warnf(c.Position, "SSL_GET goes to port 80, where servers do not speak TLS: write HTTP_GET")
	}
	for _, u := range pages.URLs {
		if !strings.HasPrefix(u.Path, "/") {
			p.warnf(u.Position, "path %s does not begin with /: servers refuse such a request", u.Path)
		}
		if u.Digest != "" && u.Regex != nil {
			p.warnf(u.Regex.Position, "regex has nothing to say beside digest, which allows one body only")
		}
	}
}

// checkTimeout finds a timeout that is longer than the time between two checks. It
// is told once where several checks have it from one line.
func (p *parser) checkTimeout(at Position, what string, timeout time.Duration, every string, interval time.Duration) {
	if timeout <= interval || !at.written() || p.told[at] {
		return
	}
	p.told[at] = true
	p.warnf(at, "%s %s is longer than %s %s: who is silent is asked less often than every %s seconds",
		what, plain(timeout), every, plain(interval), plain(interval))
}
