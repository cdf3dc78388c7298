package templates

import (
	"fmt"
	"slices"
	"strings"
)

// maxParseDepth bounds nested tags and brackets.
const maxParseDepth = 250

// parser builds the tree from tokens by recursive descent.
type parser struct {
	toks  []token
	i     int
	depth int
	tags  []string   // open tags, innermost last, for messages
	ends  [][]string // what closes them
}

func (p *parser) cur() token { return p.toks[p.i] }

func (p *parser) peek() token { return p.toks[min(p.i+1, len(p.toks)-1)] }

func (p *parser) next() token {
	t := p.toks[p.i]
	if p.i < len(p.toks)-1 {
		p.i++
	}
	return t
}

func (p *parser) isOp(op string) bool {
	t := p.cur()
	return t.kind == tokOp && t.text == op
}

func (p *parser) isName(name string) bool {
	t := p.cur()
	return t.kind == tokName && t.text == name
}

func (p *parser) skipOp(op string) bool {
	if p.isOp(op) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.next()
		return true
	}
	return false
}

func (p *parser) fail(at pos, format string, args ...any) error {
	return syntaxError(at, format, args...)
}

func syntaxError(p pos, format string, args ...any) error {
	return at(&fault{msg: fmt.Sprintf(format, args...), err: ErrSyntax}, p)
}

func (p *parser) unexpected(want string) error {
	t := p.cur()
	if t.kind == tokEOF {
		return p.fail(t.pos, "unexpected end of template, expected '%s'.", want)
	}
	return p.fail(t.pos, "expected token '%s', got %s", want, quote(t.describe()))
}

func (p *parser) expectOp(op string) error {
	if !p.skipOp(op) {
		return p.unexpected(op)
	}
	return nil
}

func (p *parser) expectName() (token, error) {
	if p.cur().kind != tokName {
		return token{}, p.unexpected("name")
	}
	return p.next(), nil
}

func (p *parser) expectKind(kind tokenKind) error {
	if p.cur().kind != kind {
		return p.unexpected(token{kind: kind}.describe())
	}
	p.next()
	return nil
}

// commas parses items separated by commas until a closing token, which it
// leaves; with trailing a comma may come before that too.
func (p *parser) commas(closed func() bool, trailing bool, item func() error) error {
	for first := true; !closed(); first = false {
		if !first {
			if err := p.expectOp(","); err != nil {
				return err
			}
			if trailing && closed() {
				return nil
			}
		}
		if err := item(); err != nil {
			return err
		}
	}
	return nil
}

// bracketed parses comma-separated items and the closing bracket after them.
func (p *parser) bracketed(end string, trailing bool, item func() error) error {
	if err := p.commas(func() bool { return p.isOp(end) }, trailing, item); err != nil {
		return err
	}
	return p.expectOp(end)
}

// inTag parses comma-separated items up to the end of a tag.
func (p *parser) inTag(item func() error) error {
	return p.commas(func() bool { return p.cur().kind == tokBlockEnd }, false, item)
}

// enter counts one level of nesting; every call needs one leave.
func (p *parser) enter() error {
	p.depth++
	if p.depth > maxParseDepth {
		e := limitf("nested more than %d levels deep", maxParseDepth)
		return at(e, p.cur().pos)
	}
	return nil
}

func (p *parser) leave() { p.depth-- }

// parseTemplate parses everything.
func (p *parser) parseTemplate() ([]stmt, error) { return p.statements(nil) }

// statements parses text and tags until one of the closing tags, whose name is
// then the current token. Without closing tags it parses to the end.
func (p *parser) statements(ends []string) ([]stmt, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	p.ends = append(p.ends, ends)
	defer func() { p.ends = p.ends[:len(p.ends)-1] }()
	var body []stmt
	var items []expr
	flush := func() {
		if len(items) > 0 {
			body = append(body, &outputStmt{items: items})
			items = nil
		}
	}
	for {
		t := p.cur()
		switch t.kind {
		case tokEOF:
			flush()
			if ends != nil {
				return nil, p.unknownTag("", t.pos)
			}
			return body, nil
		case tokData:
			p.next()
			items = append(items, &dataExpr{t.pos, t.text})
		case tokVarBegin:
			p.next()
			x, err := p.tuple(tupleOpts{cond: true})
			if err != nil {
				return nil, err
			}
			items = append(items, x)
			if err := p.expectKind(tokVarEnd); err != nil {
				return nil, err
			}
		default: // a block begins
			flush()
			p.next()
			if p.cur().kind == tokName && slices.Contains(ends, p.cur().text) {
				return body, nil
			}
			s, err := p.statement()
			if err != nil {
				return nil, err
			}
			body = append(body, s)
			if err := p.expectKind(tokBlockEnd); err != nil {
				return nil, err
			}
		}
	}
}

// body parses what follows a block tag up to a closing tag; with drop the
// closing tag's name is consumed.
func (p *parser) body(drop bool, ends ...string) ([]stmt, error) {
	p.skipOp(":") // tolerated for Python's sake
	if err := p.expectKind(tokBlockEnd); err != nil {
		return nil, err
	}
	body, err := p.statements(ends)
	if err == nil && drop {
		p.next()
	}
	return body, err
}

func (p *parser) statement() (stmt, error) {
	t := p.cur()
	if t.kind != tokName {
		return nil, p.fail(t.pos, "tag name expected")
	}
	parse := p.statementParser(t.text)
	if parse == nil {
		return nil, p.unknownTag(t.text, t.pos)
	}
	p.tags = append(p.tags, t.text)
	defer func() { p.tags = p.tags[:len(p.tags)-1] }()
	return parse()
}

func (p *parser) statementParser(tag string) func() (stmt, error) {
	switch tag {
	case "if":
		return p.parseIf
	case "for":
		return p.parseFor
	case "set":
		return p.parseSet
	case "macro":
		return p.parseMacro
	case "call":
		return p.parseCallBlock
	case "filter":
		return p.parseFilterBlock
	case "with":
		return p.parseWith
	case "generation":
		return p.parseGeneration
	case "print":
		return p.parsePrint
	case "block":
		return p.parseBlock
	case "include", "import", "from", "extends":
		return p.parseMissing
	case "autoescape":
		return p.parseAutoescape
	case "break":
		return func() (stmt, error) { return &breakStmt{p.next().pos}, nil }
	case "continue":
		return func() (stmt, error) { return &continueStmt{p.next().pos}, nil }
	}
	return nil
}

// unknownTag reports a tag that does not belong here, or with an empty name
// the end of the template in the middle of a tag.
func (p *parser) unknownTag(name string, at pos) error {
	var msg []string
	looking := ""
	expected := false
	for _, ends := range p.ends {
		if ends != nil {
			looking = "'" + strings.Join(ends, "' or '") + "'"
			expected = expected || slices.Contains(ends, name)
		}
	}
	if name == "" {
		msg = append(msg, "Unexpected end of template.")
	} else {
		msg = append(msg, "Encountered unknown tag "+quote(name)+".")
	}
	switch {
	case looking == "":
	case expected:
		msg = append(msg, "You probably made a nesting mistake. "+
			"Jinja is expecting this tag, but currently looking for "+looking+".")
	default:
		msg = append(msg, "Jinja was looking for the following tags: "+looking+".")
	}
	if n := len(p.tags); n > 0 {
		msg = append(msg, "The innermost block that needs to be closed is "+quote(p.tags[n-1])+".")
	}
	return p.fail(at, "%s", strings.Join(msg, " "))
}
