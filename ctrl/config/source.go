package config

import "errors"

// MaxFileSize is how many bytes of text one file may have.
const MaxFileSize = 16 << 20

// ErrTooLarge is a file of more than MaxFileSize bytes.
var ErrTooLarge = errors.New("it has more than 16 MiB")

// Source gives the text of configuration files. The command line passes one
// over the operating system's files, tests one over memory.
type Source interface {
	// ReadFile returns the content of a file, of at most MaxFileSize bytes.
	// Errors should satisfy errors.Is with ErrTooLarge, fs.ErrNotExist and
	// fs.ErrPermission where they apply.
	ReadFile(name string) ([]byte, error)

	// Glob returns the names that match a pattern in the form of
	// path/filepath.Match, in alphabetical order; none is not an error.
	Glob(pattern string) ([]string, error)
}
