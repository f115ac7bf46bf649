package config

import (
	"net/netip"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestReferenceConfiguration holds the complete reference to its word: it has
// no finding, it shows every keyword that is served, and all are explained.
func TestReferenceConfiguration(t *testing.T) {
	config, findings := Load("reference.conf", directory("testdata"))
	if len(findings) > 0 {
		t.Fatalf("found\n%s", lines(findings))
	}
	t.Run("reads into the values that it writes", func(t *testing.T) {
		got := withoutPositions(*config)
		if want := referenceConfig(); !reflect.DeepEqual(got, want) {
			t.Errorf("got\n%+v\nwant\n%+v", got, want)
		}
	})

	text, err := os.ReadFile("testdata/reference.conf")
	if err != nil {
		t.Fatal(err)
	}
	found := &report{}
	tree := &tree{report: found}
	for _, token := range lex(found, string(text), Position{"reference.conf", 1, 1}, false) {
		tree.add(token)
	}
	explained := explainedKeywords(tree.finish(), strings.Split(string(text), "\n"))
	for block, keywords := range servedKeywords() {
		t.Run("explains every keyword of "+block, func(t *testing.T) {
			for _, keyword := range keywords {
				if !explained[block+"/"+keyword] {
					t.Errorf("%s does not stand below a comment in %s", keyword, block)
				}
			}
		})
	}
}

// servedKeywords returns the served keywords of all blocks, by block.
func servedKeywords() map[string][]string {
	return map[string][]string{
		"":                   keywords(documentGrammar),
		"global_defs":        keywords(globalsGrammar),
		"vrrp_script":        keywords(scriptGrammar),
		"track_file":         keywords(trackFileGrammar),
		"vrrp_track_process": keywords(trackProcessGrammar),
		"vrrp_sync_group":    keywords(syncGroupGrammar),
		"vrrp_instance":      keywords(instanceGrammar),
		"authentication":     keywords(authenticationGrammar),
		"virtual_server":     keywords(virtualServerGrammar),
		"real_server":        keywords(realServerGrammar),
		"HTTP_GET":           keywords(httpCheckGrammar),
		"url":                keywords(urlGrammar),
		"drover":             keywords(droverGrammar),
	}
}

func keywords[T any](g grammar[T]) []string {
	var names []string
	for name := range g.served {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// explainedKeywords returns BLOCK/KEYWORD for every statement that has a comment
// above it, with nothing but statements between them.
func explainedKeywords(statements []*statement, text []string) map[string]bool {
	explained := map[string]bool{}
	var walk func(block string, statements []*statement)
	walk = func(block string, statements []*statement) {
		for _, s := range statements {
			name := s.keyword()
			for line := name.Line - 2; line >= 0 && strings.TrimSpace(text[line]) != ""; line-- {
				if strings.HasPrefix(strings.TrimSpace(text[line]), "#") {
					explained[block+"/"+name.text] = true
				}
			}
			if s.block != nil {
				walk(name.text, s.block.statements)
			}
		}
	}
	walk("", statements)
	return explained
}

// withoutPositions returns a copy without positions, to compare values only.
func withoutPositions(c Config) Config {
	c.interfaces = nil
	clearPositions(reflect.ValueOf(&c).Elem())
	return c
}

// clearPositions clears every Position below a value.
func clearPositions(v reflect.Value) {
	if v.Type() == reflect.TypeFor[Position]() {
		v.SetZero()
		return
	}
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			clearPositions(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			clearPositions(v.Index(i))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				clearPositions(v.Field(i))
			}
		}
	}
}

func referenceConfig() Config {
	c := referenceTracking()
	c.RouterID = "u109lb11"
	c.Instances = []Instance{referenceInstance(), quietInstance(), cloudInstance(), sixInstance()}
	c.VirtualServers = referenceServers()
	c.LVSTimeouts = LVSTimeouts{TCP: 2 * time.Hour, UDP: time.Minute}
	c.Drover = Drover{Flows: 65536}
	return c
}

func referenceServers() []VirtualServer {
	return []VirtualServer{{
		Address:   netip.MustParseAddr("192.168.100.221"),
		Port:      80,
		Protocol:  TCP,
		Scheduler: "wrr",
		DelayLoop: 6 * time.Second,
		RealServers: []RealServer{{
			Address: netip.MustParseAddr("192.168.100.150"),
			Port:    80,
			Weight:  3,

			UpperThreshold: 1000,
			LowerThreshold: 900,

			Checks: []Check{referenceCheck()},
		}, {
			Address:          netip.MustParseAddr("192.168.100.151"),
			Port:             80,
			Weight:           2,
			InhibitOnFailure: true,
			Checks:           []Check{inheritedCheck()},
		}},
	}, {
		Address:   netip.MustParseAddr("192.168.100.221"),
		Port:      53,
		Protocol:  UDP,
		Scheduler: "rr",
		OnePacket: true,
		DelayLoop: time.Minute,
		RealServers: []RealServer{{
			Address: netip.MustParseAddr("192.168.100.150"),
			Port:    53,
			Weight:  1,
		}},
	}, referenceGroupServer(), referenceIPv6Server()}
}

func referenceGroupServer() VirtualServer {
	return VirtualServer{
		Group: "MAIL",
		Members: []netip.AddrPort{
			netip.MustParseAddrPort("192.168.100.224:25"),
			netip.MustParseAddrPort("192.168.100.225:25"),
			netip.MustParseAddrPort("192.168.100.226:25"),
			netip.MustParseAddrPort("192.168.100.226:465"),
			netip.MustParseAddrPort("192.168.100.227:465"),
			netip.MustParseAddrPort("192.168.100.228:465"),
			netip.MustParseAddrPort("192.168.100.229:465"),
		},
		Protocol:           TCP,
		Scheduler:          "sh",
		HashPorts:          true,
		Fallback:           true,
		PersistenceTimeout: 30 * time.Minute,
		PersistencePrefix:  24,
		DelayLoop:          time.Minute,
		RealServers:        []RealServer{{Address: netip.MustParseAddr("192.168.100.150"), Weight: 1}},
	}
}

func referenceIPv6Server() VirtualServer {
	return VirtualServer{
		Address:            netip.MustParseAddr("2001:db8::221"),
		Port:               443,
		Protocol:           TCP,
		Scheduler:          "mh",
		HashPorts:          true,
		Fallback:           true,
		PersistenceTimeout: 6 * time.Minute,
		PersistencePrefix:  64,
		DelayLoop:          time.Minute,
		RealServers:        []RealServer{{Address: netip.MustParseAddr("2001:db8::150"), Port: 443, Weight: 1}},
	}
}

func referenceCheck() Check {
	return Check{
		CheckTimes: CheckTimes{
			ConnectTimeout:   1500 * time.Millisecond,
			Retry:            2,
			DelayBeforeRetry: time.Second,
			DelayLoop:        time.Second,
			Alpha:            true,
		},
		CheckSocket: CheckSocket{To: netip.MustParseAddrPort("192.168.100.160:8080")},
		Question: &HTTPCheck{
			URLs: []URL{{
				Path:        "/index.html",
				StatusCodes: []StatusRange{{200, 204}, {301, 301}},
				Digest:      "9b3a0c85a887a256d6939da88aabd8cd",
				VirtualHost: "url.example.com",
			}, {
				Path:        "/status",
				StatusCodes: []StatusRange{{200, 299}},
				VirtualHost: "check.example.com",
			}},
			VirtualHost:  "check.example.com",
			HTTPProtocol: "1.1",
		},
	}
}

// inheritedCheck has the defaults of its virtual server.
func inheritedCheck() Check {
	return Check{
		CheckTimes: CheckTimes{
			ConnectTimeout:   4 * time.Second,
			Retry:            4,
			DelayBeforeRetry: 2 * time.Second,
			DelayLoop:        6 * time.Second,
			Warmup:           3 * time.Second,
			Alpha:            true,
		},
		CheckSocket: CheckSocket{To: netip.MustParseAddrPort("192.168.100.151:80")},
		Question: &HTTPCheck{
			URLs: []URL{{
				Path:        "/",
				StatusCodes: []StatusRange{{200, 299}},
				VirtualHost: "www.example.com",
			}},
			VirtualHost:  "www.example.com",
			HTTPProtocol: "1.0",
		},
	}
}
