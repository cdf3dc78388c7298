package tokenizer

import "slices"

// padding fills encodings up to one length.
type padding struct {
	fixed    int // length, -1: that of the longest
	multiple int
	id, kind int32
	left     bool
}

// maxPadding bounds what a file can make every text grow to.
const maxPadding = 1 << 24

// readPadding reads the member padding.
func readPadding(n *node) (*padding, error) {
	if n == nil || n.isNull() {
		return nil, nil
	}
	f := n.fields()
	p := &padding{
		fixed: -1, multiple: f.intOr("pad_to_multiple_of", 0), id: f.id("pad_id"), kind: f.id("pad_type_id"),
		left: f.left("Right"),
	}
	f.string("pad_token")
	switch s := f.need("strategy"); s.kind {
	case '"':
		if s.text != "BatchLongest" {
			f.fail(s.errorf("unknown strategy %q (known: BatchLongest, Fixed)", s.text))
		}
	default:
		fixed := s.fields()
		p.fixed = fixed.int("Fixed")
		if err := fixed.close(); err != nil {
			f.fail(err)
		}
	}
	if p.fixed > maxPadding || p.multiple > maxPadding {
		f.fail(n.errorf("pads to more than %d tokens", maxPadding))
	}
	return p, f.close()
}

// apply fills up the encodings of a batch.
func (p *padding) apply(batch []*Encoding) {
	length := p.fixed
	if length < 0 {
		for _, e := range batch {
			length = max(length, e.Len())
		}
	}
	if p.multiple > 0 && length%p.multiple > 0 {
		length += p.multiple - length%p.multiple
	}
	for _, e := range batch {
		p.fill(e, length)
	}
}

// fill fills up e and what overflows.
func (p *padding) fill(e *Encoding, length int) {
	for _, o := range e.Overflow {
		p.fill(o, length)
	}
	n := length - e.Len()
	if n <= 0 {
		return
	}
	more := fill(slices.Repeat([]int32{p.id}, n), p.kind, 0)
	if !p.left {
		over := e.Overflow
		e.Overflow = nil
		e.join(more)
		e.Overflow = over
		return
	}
	more.join(&Encoding{
		IDs: e.IDs, Offsets: e.Offsets, TypeIDs: e.TypeIDs, SpecialMask: e.SpecialMask, AttentionMask: e.AttentionMask,
		Words: e.Words,
	})
	more.Overflow, more.text = e.Overflow, e.text
	*e = *more
}
