package config

import (
	"os"
	"testing"
)

// FuzzExplain explains arbitrary configurations that can be loaded, and wants the
// explanation to be the same configuration.
func FuzzExplain(f *testing.F) {
	for _, file := range testFiles(f) {
		text, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("$I= \\\n vrrp_instance I${N} { \\\n  interface e${N} \\\n  virtual_router_id ${N} \\\n  virtual_ipaddress { \\\n   10.0.0.${N} \\\n  } \\\n }\n~SEQ(N,1,3) $I\n")
	f.Add("$A=\"b\nglobal_defs {\n router_id \"$A ${_HASH}${_ENV X}${_RANDOM 1 9}\"\n}\n")
	environment := WithEnvironment(func(name string) (string, bool) { return `a "b" $C ${D}`, name == "X" })
	f.Fuzz(func(t *testing.T, text string) {
		config, _ := Load("main", memory{"main": text}, WithConfigID("a"), environment)
		if config == nil {
			return
		}
		checkConfig(t, config)
		if _, err := config.Explain(); err == nil {
			checkExplain(t, config)
		}
	})
}
