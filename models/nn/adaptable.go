package nn

// Adaptable is a layer beside which a low-rank product can run.
type Adaptable struct {
	Name      string
	Experts   int // 0 is a layer of its own
	In, Out   int // of an embedding the vocabulary and the width
	Embedding bool
	LoRA      *LoRA // what runs beside it; nil where nothing does

	at    **LoRA
	blank *LoRA // without values
}

// adaptable is a layer whose weights can have products beside them.
type adaptable interface {
	adaptables(names []string) []Adaptable
}

func newAdaptable(name string, at **LoRA, blank *LoRA) Adaptable {
	return Adaptable{Name: name, Experts: blank.experts, In: blank.in, Out: blank.out, Embedding: blank.rows, LoRA: *at, at: at, blank: blank}
}

// Adaptables lists the layers of model, a pointer to a struct whose layers have
// their weights, that AddLoRA can adapt: Linear, Embedding and SwitchLinear, fused
// ones each by itself.
func Adaptables(model any) []Adaptable {
	var out []Adaptable
	_ = walk(model, func(_ string, names []string, l layer) error {
		if a, ok := l.(adaptable); ok {
			out = append(out, a.adaptables(names)...)
		}
		return nil
	})
	return out
}

func (l *Linear) blank() *LoRA {
	return &LoRA{experts: l.w.experts, in: l.w.in, out: l.w.out, beside: &l.w}
}

func (l *Linear) adaptables(names []string) []Adaptable {
	return []Adaptable{newAdaptable(names[0], &l.lora, l.blank())}
}

func (e *Embedding) blank() *LoRA {
	return &LoRA{rows: true, in: e.w.out, out: e.w.in, beside: &e.w}
}

func (e *Embedding) adaptables(names []string) []Adaptable {
	return []Adaptable{newAdaptable(names[0], &e.lora, e.blank())}
}

func (f *Fused) adaptables(names []string) []Adaptable {
	var out []Adaptable
	if f.parts == nil && f.loras == nil {
		f.loras = make([]*LoRA, len(names))
	}
	begin := 0
	for i, n := range names {
		if f.parts != nil {
			out = append(out, f.parts[i].adaptables([]string{n})...)
			continue
		}
		end := f.joined.out
		if i < len(f.ends) {
			end = f.ends[i]
		}
		out = append(out, newAdaptable(n, &f.loras[i], f.blank(i, end-begin)))
		begin = end
	}
	return out
}

func (l *SwitchLinear) adaptables(names []string) []Adaptable { return l.linear.adaptables(names) }

func (f *SwitchFused) adaptables(names []string) []Adaptable { return f.fused.adaptables(names) }
