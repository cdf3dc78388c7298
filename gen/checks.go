package main

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"
)

// guardRows are the checks that go.generate asks for where MLX itself would end
// the process: by their name and the kind of the argument.
var guardRows = map[string]map[string]string{
	"nonzero": {
		"scalar":   `checkNonzero("$o", "$n", $n)`,
		"numbers":  `checkNonzero("$o", "$n", $n...)`,
		"optional": `checkGivenNonzero("$o", "$n", $n)`,
	},
	"matrix":  {"handle": `checkMatrix("$o", "$n", $n)`},
	"notbool": {"handle": `checkNotBool("$o", "$n", $n)`, "handles": `checkNotBool("$o", "$n", $n...)`},
	"notnull": {"handlesdata": `checkNoNull("$o", "$n", $n)`},
	"fitssrc": {"handle": `checkFits("$o", "$n", $n, src)`},
}

// guard marks the arguments that a row of go.generate has checked: the name of a
// check, then the arguments that it is for, and so on.
func (c *classifier) guard(b *Binding) error {
	r, ok := c.m.find("guard", b.Name)
	if !ok {
		return nil
	}
	check := ""
	for _, word := range r.Words[1:] {
		if guardRows[word] != nil {
			check = word
			continue
		}
		i := slices.IndexFunc(b.Order, func(a *Arg) bool { return a.Name == word && !a.Out })
		if i < 0 {
			return fmt.Errorf("has no argument %s to guard", word)
		}
		if guardRows[check][b.Order[i].Kind] == "" {
			return fmt.Errorf("guard %q does not know %s, a %s", check, word, b.Order[i].Kind)
		}
		b.Order[i].Guard = check
	}
	return nil
}

// Precheck is a hand-written function of bindings that refuses arguments which the
// library does not survive. It takes the operation and the arguments named.
type Precheck struct {
	Name string
	Args []*Arg
}

// precheck reads the row of check: the Go function and the arguments that it gets.
func (c *classifier) precheck(b *Binding) error {
	r, ok := c.m.find("check", b.Name)
	if !ok {
		return nil
	}
	b.Precheck = &Precheck{Name: r.Words[1]}
	for _, name := range r.Words[2:] {
		i := slices.IndexFunc(b.Args, func(a *Arg) bool { return a.Name == name })
		if i < 0 {
			return fmt.Errorf("go.generate:%d checks %s, which is none of its arguments", r.Line, name)
		}
		b.Precheck.Args = append(b.Precheck.Args, b.Args[i])
	}
	return nil
}

// call is the call of the check, which returns an error.
func (p *Precheck) call(op string) jen.Code {
	args := []jen.Code{jen.Lit(op)}
	for _, a := range p.Args {
		args = append(args, jen.Id(a.Name))
	}
	return jen.Id(p.Name).Call(args...)
}
