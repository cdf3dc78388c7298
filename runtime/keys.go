package runtime

// Keys hands out random keys, one an operation, in the order in which
// mlx.core.random draws them from its hidden state: after mx.random.seed(7) in
// Python and NewKeys(s, 7) here equal operations give equal numbers. Keys belong
// to the Build that they were made in.
type Keys struct{ state Array }

// NewKeys starts a sequence from a seed.
func NewKeys(s *Scope, seed uint64) *Keys { return KeysFrom(s.RandomKey(seed)) }

// KeysFrom starts a sequence from a key, for a function that gets its key as an
// argument.
func KeysFrom(key Array) *Keys { return &Keys{key} }

// Next returns a key that was not there before.
func (k *Keys) Next(s *Scope) Array {
	rest, key := s.RandomSplit(k.state)
	k.state = rest
	return key
}
