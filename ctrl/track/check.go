package track

import (
	"errors"
	"fmt"
)

func (o ScriptOptions) key() key  { return key{Script, o.Name} }
func (o FileOptions) key() key    { return key{File, o.Name} }
func (o ProcessOptions) key() key { return key{Process, o.Name} }

// check returns an error if an option is out of range.
func (o ScriptOptions) check() error {
	switch {
	case len(o.Command) == 0:
		return errors.New("there is no script to run")
	case o.Interval <= 0:
		return fmt.Errorf("interval %v is not above 0", o.Interval)
	case o.Timeout < 0:
		return fmt.Errorf("timeout %v is below 0", o.Timeout)
	case o.Rise < 1 || o.Fall < 1:
		return fmt.Errorf("rise %d or fall %d is below 1", o.Rise, o.Fall)
	default:
		return nil
	}
}

// check returns an error if there is no file.
func (o FileOptions) check() error {
	if o.Path == "" {
		return errors.New("there is no file to read")
	}
	return nil
}

// check returns an error if an option is out of range.
func (o ProcessOptions) check() error {
	switch {
	case len(o.Command) == 0 || o.Command[0] == "":
		return errors.New("there is no process to look for")
	case o.Minimum < 0 || o.Maximum < o.Minimum:
		return fmt.Errorf("no number of processes is both at least %d (quorum) and at most %d (quorum_max)",
			o.Minimum, o.Maximum)
	case o.ForkDelay < 0 || o.TerminateDelay < 0:
		return fmt.Errorf("fork_delay %v or terminate_delay %v is below 0", o.ForkDelay, o.TerminateDelay)
	case len(o.Command) > 1 && o.Parameters == AnyParameters:
		return errors.New("parameters are given, but not how to compare them")
	default:
		return nil
	}
}
