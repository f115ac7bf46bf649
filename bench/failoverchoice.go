package main

import (
	"fmt"
	"slices"
	"strings"
)

// choice is a flag of some of the things that there are, by name, with commas in between.
type choice[T any] struct {
	chosen *[]T
	all    []T
	name   func(T) string
}

// newChoice chooses all that are chosen already.
func newChoice[T any](chosen *[]T, name func(T) string) choice[T] {
	return choice[T]{chosen, *chosen, name}
}

func (c choice[T]) String() string {
	if c.chosen == nil { // the flag package asks a zero one
		return ""
	}
	return c.join(*c.chosen)
}

func (c choice[T]) join(some []T) string {
	names := make([]string, len(some))
	for i, one := range some {
		names[i] = c.name(one)
	}
	return strings.Join(names, ",")
}

func (c choice[T]) Set(text string) error {
	*c.chosen = nil
	for _, name := range strings.Split(text, ",") {
		i := slices.IndexFunc(c.all, func(one T) bool { return c.name(one) == name })
		if i < 0 {
			return fmt.Errorf("%q is none of %s", name, c.join(c.all))
		}
		*c.chosen = append(*c.chosen, c.all[i])
	}
	return nil
}
