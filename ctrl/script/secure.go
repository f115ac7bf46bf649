package script

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// mostLinks is how many symbolic links may be on the way to a script, as in the kernel.
const mostLinks = 40

// secure returns an error if the script at path would run with root's rights though somebody else could change it, or
// put something else in its place. It looks at all that lies on the way: directories, symbolic links, their targets,
// and the file. Since whoever could change one of these is refused, it cannot change between this look and the start.
func secure(path string, who identity) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("look at the script: %w", err)
	}
	if !privileged(info, who) {
		return nil
	}
	return walk(path, func(at string, info fs.FileInfo) error {
		if reason := writable(info); reason != "" {
			return fmt.Errorf("enable_script_security: %s would run as root, but %s %s: "+
				"give it to root, or let the script run as another user", path, at, reason)
		}
		return nil
	})
}

// privileged says whether running a file as somebody has root's rights, be it by the file's own set-id bits.
func privileged(info fs.FileInfo, who identity) bool {
	stat, known := info.Sys().(*syscall.Stat_t)
	return !known || who.uid == 0 || who.gid == 0 ||
		stat.Uid == 0 && info.Mode()&fs.ModeSetuid != 0 || stat.Gid == 0 && info.Mode()&fs.ModeSetgid != 0
}

// writable says why somebody else than root could change a file, or what a directory or link leads to, or "".
func writable(info fs.FileInfo) string {
	stat, known := info.Sys().(*syscall.Stat_t)
	switch mode := info.Mode(); {
	case !known:
		return "has no known owner"
	case stat.Uid != 0:
		return fmt.Sprintf("belongs to user %d", stat.Uid)
	case mode&fs.ModeSymlink != 0:
		return "" // its permissions mean nothing
	case mode.IsDir() && mode&fs.ModeSticky != 0:
		return "" // only the owner of what is in it can replace that
	case stat.Gid != 0 && mode&0o020 != 0:
		return fmt.Sprintf("can be written by group %d", stat.Gid)
	case mode&0o002 != 0:
		return "can be written by everybody"
	default:
		return ""
	}
}

// walk shows all that the kernel passes on the way along an absolute path, "/" first.
func walk(path string, visit func(at string, info fs.FileInfo) error) error {
	at, rest := "/", path
	for links := 0; ; {
		info, err := os.Lstat(at)
		if err != nil {
			return fmt.Errorf("look at the way to the script: %w", err)
		}
		if err := visit(at, info); err != nil {
			return err
		}
		if info.Mode()&fs.ModeSymlink != 0 {
			if links++; links > mostLinks {
				return fmt.Errorf("look at the way to %s: %w", path, syscall.ELOOP)
			}
			target, err := os.Readlink(at)
			if err != nil {
				return fmt.Errorf("look at the way to the script: %w", err)
			}
			at, rest = filepath.Dir(at), target+"/"+rest
			if filepath.IsAbs(target) {
				at = "/"
			}
		}
		name, others, more := nextName(rest)
		if !more {
			return nil
		}
		at, rest = filepath.Join(at, name), others // at holds no link, so .. is its parent
	}
}

// nextName cuts the first name off a path.
func nextName(path string) (name, rest string, found bool) {
	name, rest, _ = strings.Cut(strings.TrimLeft(path, "/"), "/")
	return name, rest, name != ""
}
