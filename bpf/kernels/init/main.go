// Command init is the first process of the machines that package kernels boots. It runs the commands of /commands.json,
// each of them even when one before it failed, and switches the machine off. "all commands succeeded" on the console
// tells that they did.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

func main() {
	if err := run(); err != nil {
		fmt.Println(err)
	} else {
		fmt.Println("all commands succeeded")
	}
	if err := unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF); err != nil {
		fmt.Println("switch the machine off:", err) // the kernel panics when this process ends, and that ends the machine
	}
}

func run() error {
	err := errors.Join(
		mount("proc", "/proc"), mount("sysfs", "/sys"), mount("devtmpfs", "/dev"), mount("bpf", "/sys/fs/bpf"),
		mount("tmpfs", "/tmp"), loadModules("/modules"),
	)
	if err != nil {
		return err
	}
	commands, err := readCommands("/commands.json")
	if err != nil {
		return err
	}
	for _, args := range commands {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stdout, os.Stdout
		if failed := cmd.Run(); failed != nil {
			err = errors.Join(err, fmt.Errorf("%q: %w", args, failed))
		}
	}
	return err
}

func mount(kind, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := unix.Mount(kind, dir, kind, 0, ""); err != nil {
		return fmt.Errorf("mount %s on %s: %w", kind, dir, err)
	}
	return nil
}

// loadModules loads the kernel modules of a directory by the order of their names: behind those that they need.
func loadModules(dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := loadModule(name); err != nil {
			return fmt.Errorf("load %s: %w", name, err)
		}
	}
	return nil
}

// loadModule leaves it to the kernel to decompress a module, which wants Linux 5.17.
func loadModule(name string) error {
	file, err := os.Open(name)
	if err != nil {
		return err
	}
	flags := unix.MODULE_INIT_COMPRESSED_FILE
	if filepath.Ext(name) == ".ko" {
		flags = 0
	}
	return errors.Join(unix.FinitModule(int(file.Fd()), "", flags), file.Close())
}

// readCommands reads a list of commands, each of them a list of words.
func readCommands(file string) ([][]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var commands [][]string
	if err := json.Unmarshal(text, &commands); err != nil {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	return commands, nil
}
