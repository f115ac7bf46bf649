package script

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// defaultUser runs scripts if there is such a user and the configuration does not say otherwise, as in keepalived.
const defaultUser = "keepalived_script"

// identity is whom a script runs as.
type identity struct {
	uid, gid uint32
}

// prepare makes a command ready to be started.
func prepare(settings Settings, command []string, userName, groupName string) (*exec.Cmd, error) {
	if len(command) == 0 {
		return nil, errors.New("there is no script to run")
	}
	if userName == "" {
		userName, groupName = settings.User, settings.Group
	}
	who, err := identify(userName, groupName)
	if err != nil {
		return nil, err
	}
	path, err := find(command[0])
	if err != nil {
		return nil, err
	}
	if settings.Security {
		if err := secure(path, who); err != nil {
			return nil, err
		}
	}
	cmd := exec.Command(path)
	cmd.Args = command
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	if who != self() {
		cmd.SysProcAttr.Credential = &syscall.Credential{Uid: who.uid, Gid: who.gid, Groups: []uint32{who.gid}}
	}
	return cmd, nil
}

// find returns the absolute path of a program. One without a slash is searched for in PATH.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("find script: %w", err)
	}
	path, err = filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find script: %w", err)
	}
	return path, nil
}

// self is whom the daemon runs as.
func self() identity { return identity{uint32(os.Geteuid()), uint32(os.Getegid())} }

// identify looks up a user and group. An empty group is the user's own.
func identify(userName, groupName string) (identity, error) {
	who := self()
	if userName == "" {
		u, err := user.Lookup(defaultUser)
		if errors.As(err, new(user.UnknownUserError)) {
			return who, nil
		}
		if err != nil {
			return who, fmt.Errorf("look up who runs scripts: %w", err)
		}
		return numbers(u.Uid, u.Gid)
	}
	u, err := user.Lookup(userName)
	if err != nil {
		return who, fmt.Errorf("look up who runs the script: %w", err)
	}
	if groupName == "" {
		return numbers(u.Uid, u.Gid)
	}
	g, err := user.LookupGroup(groupName)
	if err != nil {
		return who, fmt.Errorf("look up who runs the script: %w", err)
	}
	return numbers(u.Uid, g.Gid)
}

// numbers reads what the user database says.
func numbers(uid, gid string) (identity, error) {
	u, errUser := strconv.ParseUint(uid, 10, 32)
	g, errGroup := strconv.ParseUint(gid, 10, 32)
	if err := errors.Join(errUser, errGroup); err != nil {
		return identity{}, fmt.Errorf("read the user database: %w", err)
	}
	return identity{uint32(u), uint32(g)}, nil
}
