// Package mt19937 draws the permutations of NumPy's RandomState, so that a seed chooses the same samples here and there.
package mt19937

const (
	size  = 624
	shift = 397
)

// Source is the Mersenne Twister: Matsumoto and Nishimura, 1998, https://doi.org/10.1145/272991.272995.
type Source struct {
	state [size]uint32
	next  int
}

// New is numpy.random.RandomState(seed).
func New(seed uint32) *Source {
	s := &Source{next: size}
	s.state[0] = seed
	for i := uint32(1); i < size; i++ {
		before := s.state[i-1]
		s.state[i] = 1812433253*(before^before>>30) + i
	}
	return s
}

// Uint32 returns the next number.
func (s *Source) Uint32() uint32 {
	if s.next == size {
		s.twist()
	}
	y := s.state[s.next]
	s.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (s *Source) twist() {
	for i := range size {
		y := s.state[i]&0x80000000 | s.state[(i+1)%size]&0x7fffffff
		s.state[i] = s.state[(i+shift)%size] ^ y>>1 ^ y&1*0x9908b0df
	}
	s.next = 0
}

// below returns a number up to max: the first that is small enough once masked.
func (s *Source) below(max uint32) uint32 {
	mask := max
	for _, n := range []uint32{1, 2, 4, 8, 16} {
		mask |= mask >> n
	}
	for {
		if v := s.Uint32() & mask; v <= max {
			return v
		}
	}
}

// Permutation is numpy.random.permutation(n) with the numbers from 0 to n-1.
func (s *Source) Permutation(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	for i := n - 1; i > 0; i-- {
		j := s.below(uint32(i))
		list[i], list[j] = list[j], list[i]
	}
	return list
}
