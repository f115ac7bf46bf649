package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
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
func (files) ReadFile(name string) (text []byte, err error) {
	info, err := os.Stat(name)
	if err := regular(name, info, err); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // it may have become a FIFO since
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	info, err = file.Stat()
	if err := regular(name, info, err); err != nil {
		return nil, err
	}
	text, err = io.ReadAll(io.LimitReader(file, config.MaxFileSize+1)) // one that grows has no size to rely on
	if err == nil && len(text) > config.MaxFileSize {
		return nil, &fs.PathError{Op: "read", Path: name, Err: config.ErrTooLarge}
	}
	return text, err
}

// regular refuses what is no regular file; err is that of asking.
func regular(name string, info fs.FileInfo, err error) error {
	switch {
	case err != nil:
		return err
	case info.IsDir():
		return &fs.PathError{Op: "read", Path: name, Err: syscall.EISDIR}
	case !info.Mode().IsRegular():
		return &fs.PathError{Op: "read", Path: name, Err: errNotRegular}
	}
	return nil
}
