package templates

import "maps"

// blockRefs is the variable self: an index of the named blocks.
type blockRefs struct{}

func (blockRefs) typeName() string { return "TemplateReference" }

// blockRef is one block, to be called for its text.
type blockRef struct{ def *blockDef }

func (blockRef) typeName() string { return "BlockReference" }

func (n *blockStmt) exec(m *machine) (control, error) {
	if n.required {
		return flowNext, at(errf("Required block %s not found", quote(n.name)), n.pos)
	}
	if err := m.deeper(); err != nil {
		return flowNext, at(err, n.pos)
	}
	vars := m.vars
	if n.scoped {
		m.vars = maps.Clone(m.vars)
		m.export(n.locals)
	}
	err := m.inBlock(n.def)
	m.vars = vars
	m.depth--
	return flowNext, err
}

// inBlock runs the body of a block in a frame of its own.
func (m *machine) inBlock(d *blockDef) error {
	outer := m.frame
	m.frame = &frame{slots: make([]Value, len(d.fn.slots))}
	m.enter(&d.frame)
	if d.self >= 0 {
		m.frame.slots[d.self] = blockRefs{}
	}
	if d.superBlock >= 0 {
		m.frame.slots[d.superBlock] = undefinedHint("there is no parent block called " + quote(d.name) + ".")
	}
	_, err := m.exec(d.body)
	m.frame = outer
	return err
}

// runBlock returns the text of a block.
func (m *machine) runBlock(d *blockDef) (Value, error) {
	text, _, err := m.captured(func() (control, error) { return flowNext, m.inBlock(d) })
	return str(text), err
}
