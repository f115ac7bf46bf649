package config

// Source gives the text of configuration files. The command line passes one
// over the operating system's files, tests one over memory.
type Source interface {
	// ReadFile returns the content of a file. Errors should satisfy
	// errors.Is with fs.ErrNotExist and fs.ErrPermission where they apply.
	ReadFile(name string) ([]byte, error)

	// Glob returns the names that match a pattern in the form of
	// path/filepath.Match, in alphabetical order; none is not an error.
	Glob(pattern string) ([]string, error)
}
