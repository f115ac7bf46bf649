package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"drover/ctrl/config"
)

// errNotRegular is what is neither a file nor a directory.
var errNotRegular = errors.New("it is no regular file")

// files is config.Source over the file system.
type files struct{}

func (files) Glob(pattern string) ([]string, error) { return filepath.Glob(pattern) }

// ReadFile reads a regular file of bounded size. A device or a FIFO could go on for ever, keep the reader waiting, or do
// something when it is opened.
func (files) ReadFile(name string) ([]byte, error) {
	return readFile(name, isRegular, syscall.O_NONBLOCK) // it may have become a FIFO since it was looked at
}

// namedFiles are files, of which some were named on the command line by who waits for what is said of them. Those may be
// pipes (/dev/stdin, a shell's <(COMMAND)), which end when who writes to them does. Each of them is read once, for a pipe
// cannot be read again.
type namedFiles struct {
	files
	named []string
	texts map[string][]byte
}

func filesNamed(names ...string) *namedFiles {
	return &namedFiles{named: names, texts: make(map[string][]byte)}
}

// ReadFile reads a regular file, or a pipe that was named, of bounded size.
func (n *namedFiles) ReadFile(name string) ([]byte, error) {
	if !slices.Contains(n.named, name) {
		return n.files.ReadFile(name)
	}
	if text, read := n.texts[name]; read {
		return text, nil
	}
	text, err := readFile(name, isRegularOrPipe, 0) // without O_NONBLOCK, which sees an end where nobody writes yet
	if err == nil {
		n.texts[name] = text
	}
	return text, err
}

func isRegular(m fs.FileMode) bool { return m.IsRegular() }

func isRegularOrPipe(m fs.FileMode) bool { return m.IsRegular() || m.Type() == fs.ModeNamedPipe }

// readFile reads a file of bounded size, if it is of a kind that may be read.
func readFile(name string, may func(fs.FileMode) bool, flags int) (text []byte, err error) {
	info, err := os.Stat(name)
	if err := readable(name, may, info, err); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(name, os.O_RDONLY|flags, 0)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err = file.Stat()
	if err := readable(name, may, info, err); err != nil {
		return nil, err
	}
	text, err = io.ReadAll(io.LimitReader(file, config.MaxFileSize+1)) // one that grows has no size to rely on
	if err == nil && len(text) > config.MaxFileSize {
		return nil, &fs.PathError{Op: "read", Path: name, Err: config.ErrTooLarge}
	}
	return text, err
}

// readable refuses what is not of a kind that may be read; err is that of asking.
func readable(name string, may func(fs.FileMode) bool, info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	case !may(info.Mode()):
		return &fs.PathError{Op: "read", Path: name, Err: errNotRegular}
	}
	return nil
}
