package health

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// Values knows the numbers that tracked files hold.
type Values interface {
	// Value returns the number in the file of a track_file block; known is false before the file has been looked at.
	Value(name string) (value int, known bool)
}

// FileSettings describe a FILE_CHECK.
type FileSettings struct {
	// Values knows what is in the file. Who hears of a change nudges the checker.
	Values Values
	// Name is that of the track_file block (keepalived: track_file).
	Name string
	// Weight times the number in the file is added to the real server's weight (keepalived: weight). With 0 a file that
	// holds another number than 0 takes the real server down.
	Weight int
	// Reverse turns the sign of the weight, and with the weight 0 takes the real server down while the number is 0
	// (keepalived: weight's reverse).
	Reverse bool
}

// File returns the probe of a FILE_CHECK. It returns an error if a setting is out of its range.
func File(settings FileSettings) (Probe, error) {
	if settings.Values == nil {
		return nil, errors.New("check has no files to look at")
	}
	if settings.Name == "" {
		return nil, errors.New("check has no file to look at")
	}
	return func(context.Context, Target) Answer {
		value, known := settings.Values.Value(settings.Name)
		if !known {
			return failed(fmt.Errorf("%w: file %s has not been read yet", ErrNotAsked, settings.Name))
		}
		return settings.judge(value)
	}, nil
}

// judge makes an answer of the number in the file.
func (s FileSettings) judge(value int) Answer {
	if s.Weight == 0 {
		if (value != 0) != s.Reverse {
			return failed(fmt.Errorf("file %s holds %d", s.Name, value))
		}
		return Answer{}
	}
	added := int64(value) * int64(s.Weight)
	if s.Reverse {
		added = -added
	}
	if added <= math.MinInt32 { // which is keepalived's mark of a fault
		return failed(fmt.Errorf("file %s holds %d, which makes a weight of %d", s.Name, value, added))
	}
	return Answer{Weight: Weight{AddWeight, int(min(added, math.MaxInt32))}}
}
