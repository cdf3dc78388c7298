package tokenizer

// pieces is a passage cut into the pieces that the model sees one by one; none is empty.
type pieces struct {
	passage
	list []Span // in s
}

// rewrite writes every piece anew with write, which is given the end of the piece to leave the editor at; pieces become
// what was written for them.
func (c *pieces) rewrite(write func(e *editor, p Span)) {
	e := c.edit()
	for i, p := range c.list {
		start := len(e.out)
		e.from, e.low = p.Start, p.Start
		write(e, p)
		c.list[i] = Span{start, len(e.out)}
	}
	e.done()
}

// each replaces the pieces by those that cut appends for each.
func (c *pieces) each(sc *scratch, cut func(dst []Span, p Span) ([]Span, error)) error {
	out := sc.spare[:0]
	for _, p := range c.list {
		var err error
		if out, err = cut(out, p); err != nil {
			return err
		}
	}
	c.list, sc.spare = out, c.list
	return nil
}
