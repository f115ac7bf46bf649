package config

import (
	"regexp"
	"testing"
	"time"
)

// withCheck is a configuration whose only real server has a check.
func withCheck(check string) string {
	return "track_file LOAD {\nfile /run/load\nweight 3\n}\n" +
		"virtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\ndelay_loop 7\nreal_server 10.0.0.2 80 {\n" +
		check + "\n}\n}\n"
}

// onlyCheck is the check of such a configuration.
func onlyCheck(t *testing.T, text string) Check {
	t.Helper()
	return mustLoad(t, text).VirtualServers[0].RealServers[0].Checks[0]
}

func TestDefaultsOfEachKindOfCheck(t *testing.T) {
	for _, test := range []struct {
		check            string
		retry            int
		delayBeforeRetry time.Duration
		question         Question
	}{
		{"TCP_CHECK {\n}", 1, time.Second, &TCPCheck{}},
		{"PING_CHECK {\n}", 1, time.Second, &PingCheck{}},
		{"UDP_CHECK {\n}", 1, time.Second, &UDPCheck{MaxReply: 255}},
		{"DNS_CHECK {\n}", 3, 7 * time.Second, &DNSCheck{Type: "SOA", Name: "."}},
		{"SMTP_CHECK {\n}", 1, time.Second, &SMTPCheck{HeloName: "smtpchecker.keepalived.org"}},
		{"MISC_CHECK {\nmisc_path /bin/true\n}", 0, time.Second, &MiscCheck{Command: []string{"/bin/true"}, Timeout: 7 * time.Second}},
		{"SSL_GET {\nurl {\npath /\n}\n}", 1, 3 * time.Second, &HTTPCheck{
			URLs: []URL{{Path: "/", StatusCodes: []StatusRange{{200, 299}}}}, HTTPProtocol: "1.0", TLS: &TLSCheck{},
		}},
		{"FILE_CHECK {\ntrack_file LOAD\n}", 0, 7 * time.Second, &FileCheck{File: "LOAD", Path: "/run/load", Weight: 3}},
	} {
		t.Run(test.question.Keyword(), func(t *testing.T) {
			got := onlyCheck(t, withCheck(test.check))
			if got.Retry != test.retry || got.DelayBeforeRetry != test.delayBeforeRetry || got.DelayLoop != 7*time.Second {
				t.Errorf("retry %d, delay_before_retry %v, delay_loop %v", got.Retry, got.DelayBeforeRetry, got.DelayLoop)
			}
			if d := difference(got.Question, test.question); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPortsOfChecks(t *testing.T) {
	for _, test := range []struct {
		name, check string
		port        uint16
	}{
		{"DNS goes to its usual port where none is written", "DNS_CHECK {\n}", 53},
		{"SMTP goes to its usual port where none is written", "SMTP_CHECK {\n}", 25},
		{"ping needs none", "PING_CHECK {\n}", 0},
		{"connect_port counts", "TCP_CHECK {\nconnect_port 8080\n}", 8080},
	} {
		t.Run(test.name, func(t *testing.T) {
			config, _ := Load("main", memory{"main": "virtual_server 10.0.0.1 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n" +
				"real_server 10.0.0.2 {\n" + test.check + "\n}\n}\n"})
			if got := config.VirtualServers[0].RealServers[0].Checks[0].To.Port(); got != test.port {
				t.Errorf("port %d, want %d", got, test.port)
			}
		})
	}
}

func TestAllFailuresAreLoggedIfAnyoneAsksForIt(t *testing.T) {
	for _, test := range []struct {
		global, own string
		want        bool
	}{
		{"", "", false},
		{"", "log_all_failures", true},
		{"checker_log_all_failures", "log_all_failures off", true},
		{"checker_log_all_failures off", "log_all_failures on", true},
	} {
		got := onlyCheck(t, "global_defs {\n"+test.global+"\n}\n"+withCheck("TCP_CHECK {\n"+test.own+"\n}"))
		if got.LogAllFailures != test.want {
			t.Errorf("global %q, own %q: %v", test.global, test.own, got.LogAllFailures)
		}
	}
}

func TestWayOfChecks(t *testing.T) {
	for _, test := range []struct {
		name, drover, server, real, check string
		want                              CheckPath
	}{
		{"is both by default", "", "", "", "", PathAuto},
		{"is both if that is said", "check_path vip", "check_path address", "", "check_path auto", PathAuto},
		{"is that of drover", "check_path vip", "", "", "", PathVIP},
		{"is that of the virtual server before", "check_path vip", "check_path address", "", "", PathAddress},
		{"is that of the real server before", "", "check_path address", "check_path vip", "", PathVIP},
		{"is that of the check before all", "check_path vip", "check_path vip", "check_path vip", "check_path address", PathAddress},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := onlyCheck(t, "drover {\n"+test.drover+"\n}\nvirtual_server 10.0.0.1 80 {\nlb_algo rr\nlb_kind DR\nprotocol TCP\n"+
				test.server+"\nreal_server 10.0.0.2 80 {\n"+test.real+"\nTCP_CHECK {\n"+test.check+"\n}\n}\n}\n")
			if got.Path != test.want {
				t.Errorf("path %v, want %v", got.Path, test.want)
			}
		})
	}
}

func TestHexadecimalStrings(t *testing.T) {
	// The example of keepalived.conf(5).
	got := onlyCheck(t, withCheck("UDP_CHECK {\npayload Ab12f 3 456 546443123\n}")).Question.(*UDPCheck)
	if want := "\xab\x12\x0f\x03\x45\x06\x54\x64\x43\x12\x03"; string(got.Payload) != want {
		t.Errorf("payload %x, want %x", got.Payload, want)
	}
	got = onlyCheck(t, withCheck("UDP_CHECK {\nrequire_reply 1x Xf x\n}")).Question.(*UDPCheck)
	if reply, mask := "\x10\x0f\x00", "\xf0\x0f\xf0"; string(got.Reply) != reply || string(got.ReplyMask) != mask {
		t.Errorf("reply %x with mask %x, want %x with %x", got.Reply, got.ReplyMask, reply, mask)
	}
}

// TestExpressionsMeanWhatTheyMeanInPCRE2 has the places where the languages
// differ.
func TestExpressionsMeanWhatTheyMeanInPCRE2(t *testing.T) {
	for _, test := range []struct {
		pattern string
		options []string
		body    string
		want    bool
	}{
		{"ok$", nil, "ok", true},
		{"ok$", nil, "ok\n", true},
		{"ok$", nil, "ok\n\n", false},
		{"ok$", nil, "ok\nno", false},
		{"ok$", []string{"multiline"}, "ok\nno", true},
		{"ok$", []string{"dollar_endonly"}, "ok\n", false},
		{`ok\Z`, nil, "ok\n", true},
		{`ok\$`, nil, "ok$", true},
		{`ok[$]`, nil, "ok$", true},
		{`ok[]$]x`, nil, "ok$x", true},
		{`ok[^]$]x`, nil, "ok$x", false},
		{`ok[^$]x`, nil, "ok$x", false},
		{`\Qok$\E$`, nil, "ok$\n", true},
		{"OK", nil, "ok", false},
		{"OK", []string{"caseless"}, "ok", true},
		{"a.b", nil, "a\nb", false},
		{"a.b", []string{"dotall"}, "a\nb", true},
		{"a|b$", []string{"caseless"}, "B\n", true},
	} {
		r := Regex{Pattern: test.pattern, Options: test.options}
		if got := regexp.MustCompile(r.Expression()).MatchString(test.body); got != test.want {
			t.Errorf("%q with %v, as %q, matches %q: %v", test.pattern, test.options, r.Expression(), test.body, got)
		}
	}
}
