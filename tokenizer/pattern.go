package tokenizer

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dlclark/regexp2/v2"
)

// match is a stretch of text that a pattern matched, or one between two matches.
type match struct {
	start, end int
	hit        bool
}

// pattern splits text into matches and what is between them.
type pattern interface {
	// matches appends stretches that cover text in order.
	matches(dst []match, text string) ([]match, error)
}

// readPattern reads the pattern of a Split or Replace: {"String": …} or {"Regex": …}.
func readPattern(f *fields, key string) (pattern, error) {
	n := f.need(key)
	if f.err != nil {
		return nil, f.err
	}
	p := n.fields()
	if text := p.get("String"); text != nil {
		p.string("String")
		return literal(text.text), p.close()
	}
	text := p.string("Regex")
	if err := p.close(); err != nil {
		return nil, err
	}
	if scan, ok := scanners[lineBreaks.Replace(text)]; ok {
		return scanPattern{scan, classes()}, nil
	}
	re, err := newRegex(text)
	if err != nil {
		return nil, p.need("Regex").errorf("%v", err)
	}
	return re, nil
}

// literal matches its own text. The empty literal matches between all characters.
type literal string

func (l literal) matches(dst []match, text string) ([]match, error) {
	if l == "" {
		for i := range text {
			_, n := utf8.DecodeRuneInString(text[i:])
			dst = append(dst, match{i, i, true}, match{i, i + n, false})
		}
		return append(dst, match{len(text), len(text), true}), nil
	}
	at := 0
	for at < len(text) {
		i := strings.Index(text[at:], string(l))
		if i < 0 {
			break
		}
		if i > 0 {
			dst = append(dst, match{at, at + i, false})
		}
		dst = append(dst, match{at + i, at + i + len(l), true})
		at += i + len(l)
	}
	if at < len(text) {
		dst = append(dst, match{at, len(text), false})
	}
	return dst, nil
}

// scanPattern is a pattern with a hand-written scanner.
type scanPattern struct {
	scan  scanner
	table *classTable
}

func (p scanPattern) matches(dst []match, text string) ([]match, error) {
	for i := 0; i < len(text); {
		end := p.scan(p.table, text, i)
		hit := end >= 0
		if !hit {
			end = ^end
		}
		dst = append(dst, match{i, end, hit})
		i = end
	}
	return dst, nil
}

// classPattern matches single characters of a class.
type classPattern struct {
	class class
	table *classTable
}

func (p classPattern) matches(dst []match, text string) ([]match, error) {
	last := 0
	for i := 0; i < len(text); {
		c, n := p.table.at(text, i)
		if c&p.class != 0 {
			if last < i {
				dst = append(dst, match{last, i, false})
			}
			dst = append(dst, match{i, i + n, true})
			last = i + n
		}
		i += n
	}
	if last < len(text) {
		dst = append(dst, match{last, len(text), false})
	}
	return dst, nil
}

const (
	maxRegex     = 4096 // bytes of the longest regular expression taken from a file
	regexTimeout = 10 * time.Second
)

// regex is a pattern without a scanner, run by a backtracking engine under a time limit.
type regex struct{ re *regexp2.Regexp }

func newRegex(text string) (pattern, error) {
	if len(text) > maxRegex {
		return nil, fmt.Errorf("regular expression of %d bytes, the limit is %d", len(text), maxRegex)
	}
	for i := 0; i+1 < len(text); i++ {
		if text[i] != '\\' {
			continue
		}
		if i++; strings.IndexByte("wWbB", text[i]) >= 0 { // the engines disagree on what a word is
			return nil, fmt.Errorf("regular expression with \\%c, which is not supported", text[i])
		}
	}
	re, err := regexp2.Compile(text)
	if err != nil {
		return nil, err
	}
	re.MatchTimeout = regexTimeout
	return regex{re}, nil
}

func (r regex) matches(dst []match, text string) ([]match, error) {
	found, err := r.re.FindAllStringIndex(text, -1)
	if err != nil {
		return dst, fmt.Errorf("tokenizer: pattern %q: %w", r.re.String(), err)
	}
	last, lastHit := 0, -1
	for _, m := range found {
		start, end := m[0], m[1]
		if start == end && start == lastHit { // the reference takes no empty match right after another
			continue
		}
		if last < start {
			dst = append(dst, match{last, start, false})
		}
		dst = append(dst, match{start, end, true})
		last, lastHit = end, end
	}
	if last < len(text) {
		dst = append(dst, match{last, len(text), false})
	}
	return dst, nil
}
