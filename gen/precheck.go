package main

import (
	"fmt"
	"slices"

	"github.com/dave/jennifer/jen"
)

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
