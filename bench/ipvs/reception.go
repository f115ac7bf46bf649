package ipvs

import "fmt"

// reception counts packets by the real server that they were addressed to, and then those to none.
type reception [wireCounterCOUNTERS]uint64

func (r reception) minus(o reception) reception {
	for i := range r {
		r[i] -= o[i]
	}
	return r
}

func (r reception) total() (n uint64) {
	for _, one := range r {
		n += one
	}
	return n
}

// check tells whether all packets came, and none strayed.
func (r reception) check(packets int) error {
	if stray := r[wireCounterSTRAY]; r.total() != uint64(packets) || stray != 0 {
		return fmt.Errorf("of %d packets %d came to the real servers and %d elsewhere", packets, r.total()-stray, stray)
	}
	return nil
}
