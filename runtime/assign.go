package runtime

import (
	"errors"
	"slices"
)

// errTransformed is what a function says that changes state while a
// transformation runs it.
var errTransformed = errors.New("not inside of a transformed function: return the array, or make it state of Compile")

// assignment is a destination with the value that it gets if Build succeeds.
type assignment struct {
	dst   *Array
	value Array
}

// Assign sets *dst to v when Build succeeds, and closes the array that *dst held
// before, if any. Until then *dst is as it was: go on with v. When Build fails no
// destination changes. The last Assign to a destination wins.
//
// Inside of a transformed function Assign is an error, except for the state of
// the function that [Thread.Compile] compiles: see [WithState].
func (s *Scope) Assign(dst *Array, v Array) {
	if s.err != nil {
		return
	}
	if v.IsNull() {
		s.failOp("assign", errNull)
		return
	}
	if dst == nil {
		s.failOp("assign", errors.New("the destination is nil"))
		return
	}
	if s.e.depth > 0 && (s.depth != s.e.depth || !slices.Contains(s.state, dst)) {
		s.failOp("assign", errTransformed)
		return
	}
	value := s.take("assign", v)
	if s.err != nil {
		return
	}
	for i := range s.assigned {
		if s.assigned[i].dst == dst {
			s.owned = append(s.owned, s.assigned[i].value)
			s.assigned[i].value = value
			return
		}
	}
	s.assigned = append(s.assigned, assignment{dst, value})
}

// current returns the value that *dst has for what follows in this Scope.
func (s *Scope) current(dst *Array) Array {
	for _, a := range s.assigned {
		if a.dst == dst {
			return a.value
		}
	}
	return *dst
}

// applyAssigned sets the destinations and hands their old values to the Scope,
// which is about to free what it owns.
func (s *Scope) applyAssigned() {
	for _, a := range s.assigned {
		s.owned = append(s.owned, *a.dst)
		*a.dst = a.value
	}
	clear(s.assigned)
	s.assigned = s.assigned[:0]
}

// undoAssigned hands values that were not assigned back to the Scope.
func (s *Scope) undoAssigned() {
	for _, a := range s.assigned {
		s.owned = append(s.owned, a.value)
	}
	clear(s.assigned)
	s.assigned = s.assigned[:0]
}
