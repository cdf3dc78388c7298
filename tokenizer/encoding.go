package tokenizer

// Encoding is a text, or a pair of them, as tokens. All slices have the same length.
type Encoding struct {
	IDs []int32
	// Offsets are the bytes of the text that each token stands for, of the text that was given, be it invalid UTF-8 or not.
	// Tokens that stand for nothing in it have 0, 0. Python counts characters where this counts bytes.
	Offsets []Span
	// TypeIDs tell the first text from the second, as the post-processor numbers them.
	TypeIDs []int32
	// SpecialMask is 1 for tokens that the post-processor and padding added.
	SpecialMask []int32
	// AttentionMask is 0 for padding, else 1.
	AttentionMask []int32
	// Words numbers the pieces that the pre-tokenizer made: tokens with one number come from one word. It is -1 for tokens
	// that were added.
	Words []int32
	// Overflow holds what truncation cut off, in parts as long as this one.
	Overflow []*Encoding

	text string // that Offsets refer to
}

// Len returns the number of tokens.
func (e *Encoding) Len() int { return len(e.IDs) }

// add appends a token.
func (e *Encoding) add(id int32, at Span, word int32) {
	e.IDs = append(e.IDs, id)
	e.Offsets = append(e.Offsets, at)
	e.TypeIDs = append(e.TypeIDs, 0)
	e.SpecialMask = append(e.SpecialMask, 0)
	e.AttentionMask = append(e.AttentionMask, 1)
	e.Words = append(e.Words, word)
}

// fill returns tokens that stand for no text.
func fill(ids []int32, typeID, attention int32) *Encoding {
	e := &Encoding{}
	for _, id := range ids {
		e.add(id, Span{}, -1)
	}
	for i := range ids {
		e.TypeIDs[i], e.SpecialMask[i], e.AttentionMask[i] = typeID, 1, attention
	}
	return e
}

// slice returns a copy of some of the tokens, without overflow.
func (e *Encoding) slice(start, end int) *Encoding {
	return &Encoding{
		IDs: append([]int32{}, e.IDs[start:end]...), Offsets: append([]Span{}, e.Offsets[start:end]...),
		TypeIDs:       append([]int32{}, e.TypeIDs[start:end]...),
		SpecialMask:   append([]int32{}, e.SpecialMask[start:end]...),
		AttentionMask: append([]int32{}, e.AttentionMask[start:end]...),
		Words:         append([]int32{}, e.Words[start:end]...), text: e.text,
	}
}

// clone returns a copy that shares nothing that changes.
func (e *Encoding) clone() *Encoding {
	c := e.slice(0, e.Len())
	c.Overflow = append([]*Encoding{}, e.Overflow...)
	return c
}

// setType gives all tokens a type, but not those of the overflow, as in the reference.
func (e *Encoding) setType(id int32) {
	for i := range e.TypeIDs {
		e.TypeIDs[i] = id
	}
}

// join appends the tokens of next, and to what overflows of both every part of the other.
func (e *Encoding) join(next *Encoding) {
	var over []*Encoding
	with := func(a, b *Encoding) {
		c := a.clone()
		c.join(b)
		over = append(over, c)
	}
	for _, a := range e.Overflow {
		with(a, next)
		for _, b := range next.Overflow {
			with(a, b)
		}
	}
	for _, b := range next.Overflow {
		with(e, b)
	}
	e.IDs = append(e.IDs, next.IDs...)
	e.Offsets = append(e.Offsets, next.Offsets...)
	e.TypeIDs = append(e.TypeIDs, next.TypeIDs...)
	e.SpecialMask = append(e.SpecialMask, next.SpecialMask...)
	e.AttentionMask = append(e.AttentionMask, next.AttentionMask...)
	e.Words = append(e.Words, next.Words...)
	e.Overflow = over
}

// joined returns all encodings as one.
func joined(list []*Encoding) *Encoding {
	all := &Encoding{}
	for _, e := range list {
		all.join(e)
	}
	return all
}
