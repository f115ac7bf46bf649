package config

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"strings"
)

// WithEnvironment gives the variables that ${_ENV NAME} stands for, such as
// os.LookupEnv. Without it there are none.
func WithEnvironment(lookup func(name string) (value string, ok bool)) Option {
	return func(r *reader) { r.lookup = lookup }
}

// commentMarks replaces the names for what would begin a comment.
var commentMarks = strings.NewReplacer("${_HASH}", "#", "${_BANG}", "!")

// builtin returns the value of a name that keepalived defines itself. _HASH and
// _BANG are none of them: a comment would begin where they stand.
func (r *reader) builtin(name string) (string, bool) {
	keyword, parameters, _ := strings.Cut(name, " ")
	switch keyword {
	case "_PWD":
		return filepath.Dir(r.currentFile()), parameters == ""
	case "_INSTANCE":
		return r.configID, r.configID != "" && parameters == ""
	case "_ENV":
		if r.lookup == nil {
			return "", false
		}
		return r.lookup(strings.TrimSpace(parameters))
	case "_RANDOM":
		low, high, err := randomRange(parameters)
		if err != nil {
			return "", false
		}
		return strconv.FormatUint(low+r.generator().Uint64N(high-low+1), 10), true
	}
	return "", false
}

// builtinProblem says why such a name has no value.
func (r *reader) builtinProblem(name string) string {
	keyword, parameters, _ := strings.Cut(name, " ")
	switch keyword {
	case "_INSTANCE":
		return "there is no configuration id"
	case "_ENV":
		return fmt.Sprintf("there is no %s in the environment", strings.TrimSpace(parameters))
	case "_RANDOM":
		if _, _, err := randomRange(parameters); err != nil {
			return err.Error()
		}
	}
	return "known are _PWD, _INSTANCE, _RANDOM, _ENV, _HASH and _BANG"
}

// randomRange reads [LOW [HIGH]].
func randomRange(parameters string) (low, high uint64, err error) {
	numbers := []uint64{0, 32767}
	fields := strings.Fields(parameters)
	for i, field := range fields[:min(len(fields), 2)] {
		if numbers[i], err = strconv.ParseUint(field, 10, 32); err != nil {
			return 0, 0, fmt.Errorf("%q is not a number of 32 bits", field)
		}
	}
	if len(fields) > 2 || numbers[0] > numbers[1] {
		return 0, 0, fmt.Errorf("write the least and the largest number, such as ${_RANDOM 1 10}")
	}
	return numbers[0], numbers[1], nil
}

// generator returns the source of random numbers. It is the same for every
// reading on one machine, so that a reload changes nothing, and another one on
// another machine.
func (r *reader) generator() *rand.Rand {
	if r.random == nil {
		seed := fnv.New64a()
		seed.Write([]byte(r.configID))
		r.random = rand.New(rand.NewPCG(seed.Sum64(), 0))
	}
	return r.random
}
