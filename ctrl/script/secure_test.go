package script

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// nobody is a user and group other than root, whether or not it has a name.
const nobody = 65534

func requireRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() == 0 {
		return
	}
	if os.Getenv("DROVER_TEST_STRICT") == "1" {
		t.Fatal("needs root to give files away, and DROVER_TEST_STRICT forbids to skip")
	}
	t.Skip("needs root to give files away")
}

// place is a directory with a script that is run as root: safe as it is.
type place struct {
	t   *testing.T
	top string
}

func newPlace(t *testing.T) place {
	t.Helper()
	top := t.TempDir()
	p := place{t, top}
	p.must(os.MkdirAll(p.at("dir/sub"), 0o755))
	p.must(os.WriteFile(p.at("dir/sub/script"), []byte("#!/bin/sh\n"), 0o755))
	return p
}

func (p place) at(name string) string { return filepath.Join(p.top, name) }

func (p place) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

func TestSecurity(t *testing.T) {
	requireRoot(t)
	root := identity{}
	somebody := identity{nobody, nobody}
	for name, test := range map[string]struct {
		spoil  func(place)
		run    string
		who    identity
		reason string // begins behind the place's directory
	}{
		"a safe script": {func(place) {}, "dir/sub/script", root, ""},
		"a script that somebody owns": {
			func(p place) { p.must(os.Chown(p.at("dir/sub/script"), nobody, 0)) }, "dir/sub/script", root,
			"/dir/sub/script belongs to user 65534",
		},
		"a script that everybody can write": {
			func(p place) { p.must(os.Chmod(p.at("dir/sub/script"), 0o757)) }, "dir/sub/script", root,
			"/dir/sub/script can be written by everybody",
		},
		"a script that a group can write": {
			func(p place) {
				p.must(os.Chown(p.at("dir/sub/script"), 0, nobody))
				p.must(os.Chmod(p.at("dir/sub/script"), 0o775))
			}, "dir/sub/script", root, "/dir/sub/script can be written by group 65534",
		},
		"root's group may write": {
			func(p place) { p.must(os.Chmod(p.at("dir/sub/script"), 0o775)) }, "dir/sub/script", root, "",
		},
		"a directory on the way that everybody can write": {
			func(p place) { p.must(os.Chmod(p.at("dir"), 0o777)) }, "dir/sub/script", root, "/dir can be written by everybody",
		},
		"a directory as /tmp": {
			func(p place) { p.must(os.Chmod(p.at("dir"), 0o777|os.ModeSticky)) }, "dir/sub/script", root, "",
		},
		"a directory as /tmp of somebody": {
			func(p place) {
				p.must(os.Chmod(p.at("dir"), 0o777|os.ModeSticky))
				p.must(os.Chown(p.at("dir"), nobody, nobody))
			}, "dir/sub/script", root, "/dir belongs to user 65534",
		},
		"a link to a safe script": {
			func(p place) { p.must(os.Symlink(p.at("dir/sub/script"), p.at("link"))) }, "link", root, "",
		},
		"a link to a script that is not safe": {
			func(p place) {
				p.must(os.Symlink("dir/sub/../sub/script", p.at("link")))
				p.must(os.Chmod(p.at("dir/sub"), 0o777))
			}, "link", root, "/dir/sub can be written by everybody",
		},
		"a link that somebody can replace, which keepalived takes": {
			func(p place) {
				p.must(os.Mkdir(p.at("open"), 0o777))
				p.must(os.Chmod(p.at("open"), 0o777))
				p.must(os.Symlink(p.at("dir/sub/script"), p.at("open/link")))
			}, "open/link", root, "/open can be written by everybody",
		},
		"a link of somebody in a directory as /tmp": {
			func(p place) {
				p.must(os.Symlink(p.at("dir/sub/script"), p.at("link")))
				p.must(os.Lchown(p.at("link"), nobody, nobody))
			}, "link", root, "/link belongs to user 65534",
		},
		"what does not run as root is nobody's danger": {
			func(p place) { p.must(os.Chmod(p.at("dir/sub/script"), 0o777)) }, "dir/sub/script", somebody, "",
		},
		"unless it becomes root": {
			func(p place) {
				p.must(os.Chmod(p.at("dir"), 0o777))
				p.must(os.Chmod(p.at("dir/sub/script"), 0o755|os.ModeSetuid))
			}, "dir/sub/script", somebody, "/dir can be written by everybody",
		},
		"or has root's group": {
			func(p place) { p.must(os.Chmod(p.at("dir/sub/script"), 0o777)) }, "dir/sub/script", identity{nobody, 0},
			"/dir/sub/script can be written by everybody",
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlace(t)
			test.spoil(p)
			err := secure(p.at(test.run), test.who)
			if test.reason == "" {
				if err != nil {
					t.Errorf("refused: %v", err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), p.top+test.reason+": give it to root") {
				t.Errorf("secure: %v, want %s", err, test.reason)
			}
		})
	}
}

func TestLinksThatGoRoundAreNotFollowedForEver(t *testing.T) {
	p := newPlace(t)
	p.must(os.Symlink("b", p.at("a")))
	p.must(os.Symlink("a", p.at("b")))
	err := walk(p.at("a"), func(string, os.FileInfo) error { return nil })
	if err == nil || !strings.Contains(err.Error(), syscall.ELOOP.Error()) {
		t.Errorf("walk: %v, want %v", err, syscall.ELOOP)
	}
}

func TestSecurityIsLookedAtEachTimeAndOnlyIfConfigured(t *testing.T) {
	requireRoot(t)
	p := newPlace(t)
	l := newLauncher(t, Settings{User: "root", Security: true})
	command := []string{p.at("dir/sub/script")}
	if err := l.Run(t.Context(), command, "", ""); err != nil {
		t.Fatalf("a safe script is refused: %v", err)
	}
	p.must(os.Chmod(p.at("dir/sub"), 0o777))
	const want = "enable_script_security: "
	if err := l.Run(t.Context(), command, "", ""); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("Run: %v, want %s", err, want)
	}
	l.Configure(Settings{User: "root"})
	if err := l.Run(t.Context(), command, "", ""); err != nil {
		t.Errorf("refused without enable_script_security: %v", err)
	}
}

func TestWhomAScriptRunsAs(t *testing.T) {
	requireRoot(t)
	for name, test := range map[string]struct {
		settings    Settings
		user, group string
		want        string
	}{
		"whom it names, in the user's group": {Settings{User: "root"}, "nobody", "", "65534 65534 65534"},
		"whom it names, in the group named":  {Settings{User: "root"}, "nobody", "daemon", "65534 1 1"},
		"script_user":                        {Settings{User: "nobody", Group: "daemon"}, "", "", "65534 1 1"},
		"who names a user has not its group": {Settings{User: "root", Group: "daemon"}, "nobody", "", "65534 65534 65534"},
	} {
		t.Run(name, func(t *testing.T) {
			directory, err := os.MkdirTemp("/tmp", "drover-script-") // the test's own is closed to others
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := os.RemoveAll(directory); err != nil {
					t.Error(err)
				}
			})
			if err := os.Chmod(directory, 0o777); err != nil {
				t.Fatal(err)
			}
			l := newLauncher(t, test.settings)
			out := filepath.Join(directory, "out")
			command := []string{"/bin/sh", "-c", `echo "$(id -u)" "$(id -g)" "$(id -G)" > ` + out}
			if err := l.Run(t.Context(), command, test.user, test.group); err != nil {
				t.Fatal(err)
			}
			if got := read(t, out)[0]; got != test.want {
				t.Errorf("ran as %s, want %s", got, test.want)
			}
		})
	}
}
