package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// count is a flag from 1 to most.
type count struct {
	value *int
	most  int
}

func (c count) String() string {
	if c.value == nil { // the flag package asks a zero one
		return ""
	}
	return strconv.Itoa(*c.value)
}

func (c count) Set(text string) error {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > c.most {
		return fmt.Errorf("not a number from 1 to %d", c.most)
	}
	*c.value = n
	return nil
}

// counts is a flag of several, with commas in between.
type counts struct {
	values *[]int
	most   int
}

func (c counts) String() string {
	if c.values == nil {
		return ""
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(*c.values), " ", ","), "[]")
}

func (c counts) Set(text string) error {
	*c.values = nil
	for _, field := range strings.Split(text, ",") {
		var n int
		if err := (count{&n, c.most}).Set(field); err != nil {
			return fmt.Errorf("%q is %w", field, err)
		}
		*c.values = append(*c.values, n)
	}
	return nil
}

// familyFlag is a flag of one family.
type familyFlag struct{ value *Family }

func (f familyFlag) String() string {
	if f.value == nil {
		return ""
	}
	return string(*f.value)
}

func (f familyFlag) Set(text string) error {
	family, err := parseFamily(text)
	*f.value = family
	return err
}

// familyList is a flag of families, with commas in between.
type familyList struct{ values *[]Family }

func (l familyList) String() string {
	if l.values == nil {
		return ""
	}
	names := make([]string, len(*l.values))
	for i, f := range *l.values {
		names[i] = string(f)
	}
	return strings.Join(names, ",")
}

func (l familyList) Set(text string) error {
	*l.values = nil
	for _, name := range strings.Split(text, ",") {
		family, err := parseFamily(name)
		if err != nil {
			return err
		}
		*l.values = append(*l.values, family)
	}
	return nil
}

func parseFamily(name string) (Family, error) {
	all := families()
	if !slices.Contains(all, Family(name)) {
		return "", fmt.Errorf("%q is none of %s", name, familyList{&all})
	}
	return Family(name), nil
}
