package nn

// Shape is a parameter that a model has, before it has a value.
type Shape struct {
	Name  string // in a checkpoint
	Shape []int
	// Quantisable tells the weights of Linear, Embedding and the like, which a
	// checkpoint may keep packed; the others are vectors and buffers.
	Quantisable bool
	// Experts is how many experts share it, each with an equal part, of which a
	// token takes a few; 0 outside of mixtures.
	Experts int
}

// Size is the number of elements.
func (s Shape) Size() int64 {
	n := int64(1)
	for _, d := range s.Shape {
		n *= int64(d)
	}
	return n
}

// Shapes lists the parameters of model, a pointer to a struct that was not
// loaded yet: those that Init would make.
func Shapes(model any) ([]Shape, error) {
	var out []Shape
	err := walk(model, func(_ string, names []string, l layer) error {
		if b, ok := l.(beginner); ok {
			b.begin(names)
		}
		packable := map[string]bool{}
		if q, ok := l.(quantisable); ok {
			for _, m := range q.matrices(names) {
				packable[join(m.name, "weight")] = true
			}
		}
		for _, sp := range l.params(names) {
			if sp.init == nil {
				continue // a bias that is not wanted
			}
			if err := sp.sized(); err != nil {
				return err
			}
			out = append(out, Shape{sp.name, sp.shape, packable[sp.name], expertsOf(l)})
		}
		return nil
	})
	return out, err
}

// expertsOf is how many experts a layer has, 0 for one that is no mixture's.
func expertsOf(l layer) int {
	switch l := l.(type) {
	case *SwitchLinear:
		return l.Experts
	case *SwitchFused:
		return l.Experts
	}
	return 0
}
