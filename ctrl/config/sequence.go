package config

import (
	"strconv"
	"strings"
)

// sequences are the words that repeat the rest of their line, with the functions
// that read what stands in their parentheses (keepalived.conf(5), "Sequence
// blocks" and "List blocks").
var sequences = map[string]func(string) (*sequence, string){
	"~SEQ":  func(text string) (*sequence, string) { return numberSequence(text, 10) },
	"~SEQx": func(text string) (*sequence, string) { return numberSequence(text, 16) },
	"~LST":  listSequence,
}

// longestSequence is the length of the longest of these words with its
// parenthesis.
const longestSequence = len("~SEQx(")

// sequence gives one or more variables their values, one set after the other.
type sequence struct {
	names []string

	// at returns the values of a set, which are as many as names.
	at    func(index int) []string
	count int
}

// maxRepetitions bounds how often all sequences of a configuration together
// repeat a line.
const maxRepetitions = 1 << 16

// repeat reads the rest of a line that begins with a sequence once for each of
// its values. The last ones stay defined, as in keepalived.
func (r *reader) repeat(line []token) {
	first := line[0]
	s, problem := sequences[first.value](r.substitute(first.text))
	if problem != "" {
		r.errorf(first.Position, "%s(%s): %s", first.value, first.text, problem)
		return
	}
	if r.depth >= maxDepth {
		r.exhaust(first.Position)
		return
	}
	r.depth++
	defer func() { r.depth-- }()
	length := 0
	for _, t := range line[1:] {
		length += len(t.text) + len(t.value) + 1
	}
	for index := range s.count {
		r.repetitions++
		r.expanded += length
		if r.repetitions > maxRepetitions || r.expanded > maxExpansion {
			r.exhaust(first.Position)
		}
		if r.exhausted {
			return
		}
		for n, value := range s.at(index) {
			r.variables[s.names[n]] = value
		}
		r.line(line[1:])
		r.tree.add(token{Position: first.Position, kind: newlineToken})
	}
}

// numberSequence reads NAME, [START,] [STEP,] END.
func numberSequence(text string, base int) (s *sequence, problem string) {
	fields := strings.Split(text, ",")
	name := strings.TrimSpace(fields[0])
	if nameLength(name) != len(name) || name == "" {
		return nil, "its variable needs a name of letters, digits and _"
	}
	numbers := make([]int, 0, 3)
	for _, field := range fields[1:min(len(fields), 5)] {
		n, err := strconv.ParseInt(strings.TrimSpace(field), 0, 32)
		if err != nil {
			return nil, strconv.Quote(strings.TrimSpace(field)) + " is not a number of 32 bits"
		}
		numbers = append(numbers, int(n))
	}
	var start, step, end int
	switch len(numbers) {
	case 1:
		start, end = 1, numbers[0]
		if end < 0 {
			start = -1
		}
	case 2:
		start, end = numbers[0], numbers[1]
	case 3:
		start, step, end = numbers[0], numbers[1], numbers[2]
	default:
		return nil, "write a variable and its last number, or its first and last number, with a step between them"
	}
	if len(numbers) < 3 {
		step = 1
		if end < start {
			step = -1
		}
	}
	if step == 0 || (end-start)*step < 0 {
		return nil, "its step does not lead from the first number to the last"
	}
	return &sequence{
		names: []string{name},
		count: (end-start)/step + 1,
		at: func(index int) []string {
			return []string{strconv.FormatInt(int64(start+index*step), base)}
		},
	}, ""
}

// listSequence reads NAME, VALUE, ... or {NAME, ...}, {VALUE, ...}, ...
func listSequence(text string) (s *sequence, problem string) {
	fields := splitAlternatives(text)
	names := listGroup(fields[0])
	for _, name := range names {
		if nameLength(name) != len(name) || name == "" {
			return nil, "its variables need names of letters, digits and _"
		}
	}
	if len(fields) < 2 {
		return nil, "it has no values"
	}
	for _, field := range fields[1:] {
		if len(listGroup(field)) > len(names) {
			return nil, strings.TrimSpace(field) + " has more values than there are variables"
		}
	}
	return &sequence{
		names: names,
		count: len(fields) - 1,
		at: func(index int) []string {
			values := make([]string, len(names))
			copy(values, listGroup(fields[index+1]))
			return values
		},
	}, ""
}

// listGroup returns the words between braces, or the one word without.
func listGroup(text string) []string {
	text = strings.TrimSpace(text)
	if inner, ok := strings.CutPrefix(text, "{"); ok {
		text = strings.TrimSuffix(inner, "}")
	} else {
		return []string{text}
	}
	var members []string
	for member := range strings.SplitSeq(text, ",") {
		members = append(members, strings.TrimSpace(member))
	}
	return members
}
