package ipvs

import (
	"errors"
	"fmt"
)

// measure compares the contenders, in the guest.
func measure(options Options) (_ Result, err error) {
	release, err := kernelRelease()
	if err != nil {
		return Result{}, err
	}
	if err := loadModules(release, connectionTableBits(options.Flows)); err != nil {
		return Result{}, err
	}
	if err := prepareToSend(); err != nil {
		return Result{}, err
	}
	opening, using := openEach(options.Flows), useEach(options.Flows)
	s, err := newSender(append(opening, using...))
	if err != nil {
		return Result{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	result := Result{Kernel: release, Flows: options.Flows, Packets: options.packetsInARound()}
	if result.Interpreted, err = s.interpreted(); err != nil {
		return Result{}, err
	}
	open, use := passage{0, len(opening)}, passage{len(opening), len(opening) + len(using)}
	result.Contenders, err = compete(s, open, use, options)
	return result, err
}

// compete lets the contenders take turns, once each has all connections open.
func compete(s *sender, open, use passage, options Options) (_ []Contender, err error) {
	all, err := openBalancers(s, options.Flows)
	defer func() { err = errors.Join(err, closeBalancers(all)) }()
	if err != nil {
		return nil, err
	}
	for _, b := range all {
		if err := b.establish(s, open, options.Flows); err != nil {
			return nil, fmt.Errorf("%s: open connections: %w", b.name, err)
		}
	}
	rates := make([][]float64, len(all))
	for range options.Rounds {
		for i, b := range all {
			rate, err := b.rate(s, use, options.packetsInARound())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", b.name, err)
			}
			rates[i] = append(rates[i], rate)
		}
	}
	contenders := make([]Contender, len(all))
	for i, b := range all {
		contenders[i] = newContender(b.name, rates[i])
	}
	return contenders, nil
}
