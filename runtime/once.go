package runtime

// Once returns the arrays that make returned when it was first called with key in
// this Build: for what several layers share, a mask or the angles of positions.
// The arrays belong to the Scope as all others do. Key must be comparable and, as
// for context values, of the caller's own type. After an error Once returns nil.
func (s *Scope) Once(key any, make func() []Array) []Array {
	if s.err != nil {
		return nil
	}
	if made, ok := s.once[key]; ok {
		return made
	}
	made := make()
	if s.err != nil {
		return nil
	}
	if s.once == nil {
		s.once = map[any][]Array{}
	}
	s.once[key] = made
	return made
}
