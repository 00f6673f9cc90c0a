package main

import "math/bits"

// random is xoshiro256**: the standard library does not promise the same
// numbers in its next release, and the output must stay the same for a seed.
type random struct{ s [4]uint64 }

func newRandom(seed uint64) *random {
	r := &random{}
	for i := range r.s {
		// splitmix64, as the generator's authors advise for seeding.
		seed += 0x9e3779b97f4a7c15
		z := seed
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		r.s[i] = z ^ z>>31
	}
	return r
}

func (r *random) next() uint64 {
	s := &r.s
	result := bits.RotateLeft64(s[1]*5, 7) * 9
	t := s[1] << 17
	s[2] ^= s[0]
	s[3] ^= s[1]
	s[1] ^= s[2]
	s[0] ^= s[3]
	s[2] ^= t
	s[3] = bits.RotateLeft64(s[3], 45)
	return result
}

// below is uniform in 0 … n-1; the bias of the multiplication is of no
// interest here.
func (r *random) below(n int) int {
	high, _ := bits.Mul64(r.next(), uint64(n))
	return int(high)
}

func (r *random) between(low, high int) int { return low + r.below(high-low+1) }

func (r *random) float() float64 { return float64(r.next()>>11) / (1 << 53) }

func (r *random) chance(p float64) bool { return p > 0 && r.float() < p }

func (r *random) fill(b []byte) {
	for i := 0; i < len(b); i += 8 {
		v := r.next()
		for j := i; j < len(b) && j < i+8; j++ {
			b[j] = byte(v)
			v >>= 8
		}
	}
}
