package config

import (
	"errors"
	"io/fs"
)

// Option changes how Load reads a configuration.
type Option func(*reader)

// WithConfigID sets the configuration id that conditional lines (@ID, @^ID) are
// for. keepalived takes it from its option -i or, without it, from the first
// label of the host name.
func WithConfigID(id string) Option {
	return func(r *reader) { r.configID = id }
}

// WithHost finds what CheckHost does, too, in as much of the configuration as can be
// read.
func WithHost(h Host) Option {
	return func(r *reader) { r.host = &h }
}

// Load reads the configuration in file. The findings are sorted by position;
// the Config is nil if any of them is an Error.
func Load(file string, src Source, options ...Option) (*Config, Findings) {
	found := &report{}
	text, err := src.ReadFile(file)
	if err != nil {
		found.errorf(Position{File: file, Line: 1, Column: 1}, "%s", unreadable(err))
		return nil, found.findings
	}
	reader := &reader{
		report:    found,
		source:    src,
		variables: map[string]string{},
		tree:      &tree{report: found},
	}
	for _, option := range options {
		option(reader)
	}
	reader.file(file, text)
	var statements []*statement
	if !reader.exhausted {
		statements = reader.tree.finish()
	}

	// Findings about keywords in the wrong block would only hide a brace that
	// is missing, or follow from a file that is.
	var config *Config
	if found.errors == found.gaps {
		config = parse(found, statements)
		if reader.host != nil {
			found.checkHost(config, *reader.host)
		}
	}
	found.findings.sort()
	if found.errors > 0 {
		return nil, found.findings
	}
	return config, found.findings
}

// unreadable says why the configuration file cannot be read and what to do.
func unreadable(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "no such configuration file"
	case errors.Is(err, fs.ErrPermission):
		return "no permission to read the configuration file: run as root, or let this user read it"
	}
	return "cannot read the configuration file: " + cause(err).Error()
}
