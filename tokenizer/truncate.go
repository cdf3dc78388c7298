package tokenizer

import (
	"errors"
	"fmt"
)

// truncation bounds the length of an encoding.
type truncation struct {
	length, stride int
	strategy       string
	left           bool
}

// direction reads Left or Right.
func (f *fields) left(def string) bool {
	switch d := f.stringOr("direction", def); d {
	case "Left":
		return true
	case "Right":
		return false
	default:
		f.fail(f.need("direction").errorf("unknown direction %q (known: Left, Right)", d))
		return false
	}
}

// readTruncation reads the member truncation.
func readTruncation(n *node) (*truncation, error) {
	if n == nil || n.isNull() {
		return nil, nil
	}
	f := n.fields()
	t := &truncation{length: f.int("max_length"), stride: f.int("stride"), strategy: f.string("strategy"), left: f.left("Right")}
	switch t.strategy {
	case "LongestFirst", "OnlyFirst", "OnlySecond":
	default:
		f.fail(f.need("strategy").errorf("unknown strategy %q (known: LongestFirst, OnlyFirst, OnlySecond)", t.strategy))
	}
	return t, f.close()
}

// apply shortens the encodings of one text, or of two, to make room for so many tokens that are added.
func (t *truncation) apply(list []*Encoding, added int) error {
	length := t.length - added
	if length < 0 {
		return fmt.Errorf("tokenizer: truncation.max_length: %d tokens leave no room for the %d that are added", t.length, added)
	}
	total := 0
	for _, e := range list {
		total += e.Len()
	}
	if length > 0 && total <= length {
		return nil
	}
	keep := make([]int, len(list))
	switch {
	case length == 0:
	case t.strategy == "LongestFirst" && len(list) == 2:
		keep[0], keep[1] = longestFirst(list[0].Len(), list[1].Len(), length)
	case t.strategy == "LongestFirst":
		keep[0] = length
	default:
		which := 0
		if t.strategy == "OnlySecond" {
			which = 1
		}
		if which == len(list) {
			return errors.New("tokenizer: truncation.strategy: OnlySecond needs a second text")
		}
		for i, e := range list {
			keep[i] = e.Len()
		}
		if keep[which] -= total - length; keep[which] <= 0 {
			return fmt.Errorf("tokenizer: truncation.strategy: %s cannot bring %d tokens down to %d", t.strategy, total, length)
		}
	}
	for i, n := range keep {
		if err := list[i].truncate(n, t.stride, t.left); err != nil {
			return err
		}
	}
	return nil
}

// longestFirst shares length among two texts: the longer one is cut first.
func longestFirst(a, b, length int) (int, int) {
	low := min(a, b)
	high := max(low, length-low)
	if low+high > length {
		low = length / 2
		high = low + length%2
	}
	if a > b {
		return high, low
	}
	return low, high
}

// truncate keeps n tokens and makes the others overflow, in parts that begin stride tokens before the last one's end.
func (e *Encoding) truncate(n, stride int, left bool) error {
	total := e.Len()
	switch {
	case n >= total:
		return nil
	case n == 0:
		*e = Encoding{Overflow: []*Encoding{e.clone()}, text: e.text}
		return nil
	case stride >= n:
		return fmt.Errorf("tokenizer: truncation.stride: %d is not less than the %d tokens that are kept", stride, n)
	}
	var parts []*Encoding
	for at, done := 0, false; !done; at += n - stride {
		start, end := at, min(at+n, total)
		done = end == total
		if left {
			start, end = max(total-at-n, 0), total-at
			done = start == 0
		}
		parts = append(parts, e.slice(start, end))
	}
	*e = *parts[0]
	e.Overflow = parts[1:]
	return nil
}
