package config

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Explain writes the configuration in the language of keepalived.conf, with every
// default filled in and without variables, sequences and includes. Load reads the
// result into an equal Config, but for positions. The error tells of a word that
// the language cannot write, which only comes out of variables.
func (c *Config) Explain() (string, error) {
	w := &printer{}
	w.globals(c)
	w.static(c)
	for _, s := range c.Scripts {
		w.script(s)
	}
	for _, f := range c.TrackFiles {
		w.trackFile(f)
	}
	for _, p := range c.TrackProcesses {
		w.trackProcess(p)
	}
	for _, i := range c.Instances {
		w.instance(i)
	}
	for _, g := range c.SyncGroups {
		w.syncGroup(g)
	}
	w.credentials(c.SSL)
	w.defaultPath = c.Drover.CheckPath
	w.serverGroups(c.VirtualServers)
	for _, v := range c.VirtualServers {
		w.virtualServer(v)
	}
	w.block([]string{"drover"}, func() {
		w.line("flows", strconv.Itoa(c.Drover.Flows))
		w.line("check_path", c.Drover.CheckPath.String())
	})
	return w.out.String(), w.err
}

// printer writes keepalived.conf.
type printer struct {
	out   strings.Builder
	depth int

	// defaultPath is the check_path that is not written.
	defaultPath CheckPath

	// err is the first word that cannot be written.
	err error
}

// line writes words that need no quotes, or have them.
func (w *printer) line(words ...string) {
	w.out.WriteString(strings.Repeat("  ", w.depth))
	w.out.WriteString(strings.Join(words, " "))
	w.out.WriteByte('\n')
}

// block writes a block and what is in it.
func (w *printer) block(words []string, inside func()) {
	w.line(append(slices.Clone(words), "{")...)
	w.depth++
	inside()
	w.depth--
	w.line("}")
}

// list writes a block with one line for each element, and nothing without any.
func list[T any](w *printer, keyword string, elements []T, line func(T) []string) {
	if len(elements) == 0 {
		return
	}
	w.block([]string{keyword}, func() {
		for _, e := range elements {
			w.line(line(e)...)
		}
	})
}

// text writes a keyword with a word, if there is one.
func (w *printer) text(keyword, value string) {
	if value != "" {
		w.line(keyword, w.word(value))
	}
}

func (w *printer) number(keyword string, n int) { w.line(keyword, strconv.Itoa(n)) }

func (w *printer) seconds(keyword string, d time.Duration) { w.line(keyword, plain(d)) }

// onOff writes a keyword with on or off.
func (w *printer) onOff(keyword string, on bool) {
	value := "off"
	if on {
		value = "on"
	}
	w.line(keyword, value)
}

// flag writes a keyword without value if it is on.
func (w *printer) flag(keyword string, on bool) {
	if on {
		w.line(keyword)
	}
}

// word writes a word of the usual lines, where quotes keep all but themselves.
func (w *printer) word(text string) string {
	if _, include := includeKeywords[text]; text != "" && !include && strings.Trim(text, safeBytes) == "" {
		return text
	}
	if strings.ContainsAny(text, "\"\n") || strings.Contains(text, "${_") {
		w.fail(text)
	}
	return `"` + text + `"`
}

func (w *printer) fail(text string) {
	if w.err == nil {
		w.err = fmt.Errorf("the word %q cannot be written: it has a quote, a line break or a built-in variable inside", text)
	}
}

// safeBytes need no quotes anywhere.
const safeBytes = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:-,+="

// escaped writes a word of the lines of commands and expressions.
func escaped(text string) string {
	return `"` + octal(text, safeBytes+" '") + `"`
}

// command writes a command as one word. What is in it is cut into words and has
// escapes of its own.
func command(words []string) string {
	inner := make([]string, 0, len(words))
	for _, word := range words {
		if word != "" && strings.Trim(word, safeBytes) == "" {
			inner = append(inner, word)
			continue
		}
		inner = append(inner, "'"+octal(word, safeBytes+" ")+"'")
	}
	return `"` + strings.ReplaceAll(strings.Join(inner, " "), `\`, `\\`) + `"`
}

// octal writes all bytes but the safe ones as octal escapes.
func octal(text, safe string) string {
	var out strings.Builder
	for _, c := range []byte(text) {
		if strings.IndexByte(safe, c) >= 0 {
			out.WriteByte(c)
		} else {
			fmt.Fprintf(&out, `\%03o`, c)
		}
	}
	return out.String()
}

// by returns a user and a group, if they are set.
func (w *printer) by(user, group string) []string {
	var words []string
	for _, name := range []string{user, group} {
		if name != "" {
			words = append(words, w.word(name))
		}
	}
	return words
}

// notify writes a script that is run when something happens; nil is none.
func (w *printer) notify(keyword string, s *NotifyScript) {
	switch {
	case s == nil:
	case len(s.Command) == 0:
		w.line(keyword)
	default:
		w.line(append([]string{keyword, command(s.Command)}, w.by(s.User, s.Group)...)...)
	}
}

// globals writes global_defs.
func (w *printer) globals(c *Config) {
	w.block([]string{"global_defs"}, func() {
		w.text("router_id", c.RouterID)
		w.flag("enable_script_security", c.ScriptSecurity)
		w.fifo("notify_fifo", c.NotifyFIFO)
		w.fifo("vrrp_notify_fifo", c.VRRPNotifyFIFO)
		w.fifo("lvs_notify_fifo", c.LVSNotifyFIFO)
		w.flag("rs_init_notifies", c.RsInitNotifies)
		w.flag("dynamic_interfaces", c.DynamicInterfaces)
		w.flag("checker_log_all_failures", logsAllFailures(c))
		if c.RealTimePriority > 0 {
			w.number("vrrp_rt_priority", c.RealTimePriority)
		}
		if c.GARPInterval > 0 {
			w.seconds("vrrp_garp_interval", c.GARPInterval)
		}
		if c.GNAInterval > 0 {
			w.seconds("vrrp_gna_interval", c.GNAInterval)
		}
		w.instanceDefaults(c.Instances)
		w.lvsTimeouts(c.LVSTimeouts)
	})
}

// logsAllFailures reports whether a check without a word of its own for it logs
// all failures, because all checks do.
func logsAllFailures(c *Config) bool {
	for _, v := range c.VirtualServers {
		for _, r := range v.RealServers {
			for _, check := range r.Checks {
				if _, ok := check.Question.(*FileCheck); ok && check.LogAllFailures {
					return true
				}
			}
		}
	}
	return false
}

func (w *printer) fifo(keyword string, f FIFO) {
	if f.Path == "" {
		return
	}
	w.line(append([]string{keyword, w.word(f.Path)}, w.by(f.User, f.Group)...)...)
	w.notify(keyword+"_script", f.Script)
}

// instanceDefaults writes what only global_defs can say about instances.
func (w *printer) instanceDefaults(instances []Instance) {
	if len(instances) == 0 {
		return
	}
	if d := instances[0].StartupDelay; d > 0 {
		w.seconds("vrrp_startup_delay", d)
	}
	written := map[bool]bool{}
	for _, i := range instances {
		if len(i.Unicast) > 0 && !written[i.MulticastGroup.Is6()] {
			written[i.MulticastGroup.Is6()] = true
			keyword := "vrrp_mcast_group4"
			if i.MulticastGroup.Is6() {
				keyword = "vrrp_mcast_group6"
			}
			w.line(keyword, i.MulticastGroup.String())
		}
	}
}

func (w *printer) lvsTimeouts(t LVSTimeouts) {
	words := []string{"lvs_timeouts"}
	for _, state := range []string{"tcp", "tcpfin", "udp"} {
		if d := *t.of(state); d > 0 {
			words = append(words, state, plain(d))
		}
	}
	if len(words) > 1 {
		w.line(words...)
	}
}

// credentials writes the SSL block.
func (w *printer) credentials(c Credentials) {
	if c == (Credentials{}) {
		return
	}
	w.block([]string{"SSL"}, func() {
		w.text("certificate", c.Certificate)
		w.text("key", c.Key)
		w.text("password", c.Password)
	})
}
