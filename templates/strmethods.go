package templates

import (
	"strings"
	"unicode/utf8"
)

// strMethod describes a method that maps the text and its arguments to a value.
func strMethod(params string, fn func(m *machine, s string, a []Value) (Value, error)) *builtin {
	return fixed("self "+params, func(m *machine, a []Value) (Value, error) {
		s, _ := asText(a[0])
		if err := m.charge(len(s) >> 5); err != nil {
			return nil, err
		}
		v, err := fn(m, s, a[1:])
		return likeText(a[0], v), err
	})
}

// textMethod describes a method without arguments that maps text to text.
func textMethod(fn func(string) string) *builtin {
	return strMethod("", func(m *machine, s string, a []Value) (Value, error) { return str(fn(s)), nil })
}

// checkMethod describes a method without arguments that tests the text.
func checkMethod(fn func(string) bool) *builtin {
	return strMethod("", func(m *machine, s string, a []Value) (Value, error) { return boolVal(fn(s)), nil })
}

var strMethods = methodTable(map[string]*builtin{
	"upper":        textMethod(upper),
	"lower":        textMethod(lower),
	"casefold":     textMethod(casefold),
	"capitalize":   textMethod(capitalize),
	"title":        textMethod(title),
	"swapcase":     textMethod(swapcase),
	"isalnum":      checkMethod(isAlnum),
	"isalpha":      checkMethod(isAlpha),
	"isascii":      checkMethod(isASCII),
	"isdecimal":    checkMethod(isDecimalText),
	"isdigit":      checkMethod(isDigitText),
	"isnumeric":    checkMethod(isNumericText),
	"isidentifier": checkMethod(isIdentifier),
	"islower":      checkMethod(isLowerText),
	"isupper":      checkMethod(isUpperText),
	"istitle":      checkMethod(isTitleText),
	"isprintable":  checkMethod(isPrintable),
	"isspace":      checkMethod(isSpaceText),
	"strip":        strMethod("chars?", stripper(true, true)),
	"lstrip":       strMethod("chars?", stripper(true, false)),
	"rstrip":       strMethod("chars?", stripper(false, true)),
	"split":        strMethod("sep? maxsplit?", splitMethod(false)),
	"rsplit":       strMethod("sep? maxsplit?", splitMethod(true)),
	"splitlines":   strMethod("keepends?", splitLinesMethod),
	"partition":    strMethod("sep", partition(strings.Index, false)),
	"rpartition":   strMethod("sep", partition(strings.LastIndex, true)),
	"startswith":   strMethod("prefix start? end?", affix("startswith", strings.HasPrefix)),
	"endswith":     strMethod("suffix start? end?", affix("endswith", strings.HasSuffix)),
	"removeprefix": strMethod("prefix", trimAffix(strings.TrimPrefix)),
	"removesuffix": strMethod("suffix", trimAffix(strings.TrimSuffix)),
	"find":         strMethod("sub start? end?", finder(strings.Index, false)),
	"rfind":        strMethod("sub start? end?", finder(strings.LastIndex, false)),
	"index":        strMethod("sub start? end?", finder(strings.Index, true)),
	"rindex":       strMethod("sub start? end?", finder(strings.LastIndex, true)),
	"count":        strMethod("sub start? end?", countMethod),
	"replace":      escaping(2, strMethod("old new count?", replaceMethod)),
	"join":         fixed("self iterable", joinMethod),
	"center":       escaping(2, strMethod("width fillchar?", padder(0))),
	"ljust":        escaping(2, strMethod("width fillchar?", padder(-1))),
	"rjust":        escaping(2, strMethod("width fillchar?", padder(1))),
	"zfill":        strMethod("width", zfill),
	"expandtabs":   strMethod("tabsize?", expandTabs),
	"encode":       variadic(bytesRefused),
	"translate":    variadic(bytesRefused),
	"maketrans":    variadic(bytesRefused),
})

// The format methods look up attributes, methods among them, so they join the
// table after it is made. Four methods do take keywords.
func init() {
	strMethods["format"] = variadic(formatMethod)
	for _, name := range []string{"split", "rsplit", "splitlines", "expandtabs"} {
		strMethods[name].strict = false
	}
	strMethods["format_map"] = fixed("self mapping", formatMapMethod)
	named(strMethods)
}

func bytesRefused(*machine, args) (Value, error) {
	return nil, errf("encode, translate and maketrans are not supported in chat templates")
}

// wantText returns an argument that must be a string.
func wantText(fn string, v Value) (string, error) {
	if s, ok := asText(v); ok {
		return s, nil
	}
	return "", errf("%s() argument must be str, not %s", fn, v.typeName())
}

// optInt returns an optional integer argument.
func optInt(v Value, def int) (int, error) {
	if v == nil {
		return def, nil
	}
	switch v.(type) {
	case integer, boolean, *bigint:
		return clampInt(v, 1<<40), nil
	}
	return 0, errf("'%s' object cannot be interpreted as an integer", v.typeName())
}

func stripper(left, right bool) func(m *machine, s string, a []Value) (Value, error) {
	return func(m *machine, s string, a []Value) (Value, error) {
		cut := isSpace
		if a[0] != nil && a[0] != none {
			chars, ok := asText(a[0])
			if !ok {
				return nil, errf("strip arg must be None or str")
			}
			if err := m.charge(len(chars)); err != nil {
				return nil, err
			}
			set := make(map[rune]bool)
			for _, r := range chars {
				set[r] = true
			}
			cut = func(r rune) bool { return set[r] }
		}
		if left {
			s = strings.TrimLeftFunc(s, cut)
		}
		if right {
			s = strings.TrimRightFunc(s, cut)
		}
		return str(s), nil
	}
}

func textList(parts []string) Value {
	items := make([]Value, len(parts))
	for i, p := range parts {
		items[i] = str(p)
	}
	return &list{items}
}

func splitMethod(fromRight bool) func(m *machine, s string, a []Value) (Value, error) {
	return func(m *machine, s string, a []Value) (Value, error) {
		limit, err := optInt(a[1], -1)
		if err != nil {
			return nil, err
		}
		var parts []string
		if a[0] == nil || a[0] == none {
			parts = splitSpace(s, limit, fromRight)
		} else {
			sep, err := wantText("split", a[0])
			if err != nil {
				return nil, err
			}
			if sep == "" {
				return nil, errf("empty separator")
			}
			parts = splitSep(s, sep, limit, fromRight)
		}
		return textList(parts), m.room(24 * len(parts))
	}
}

func splitSep(s, sep string, limit int, fromRight bool) []string {
	switch {
	case limit < 0:
		return strings.Split(s, sep)
	case !fromRight:
		return strings.SplitN(s, sep, limit+1)
	}
	var tail []string
	for ; limit > 0; limit-- {
		i := strings.LastIndex(s, sep)
		if i < 0 {
			break
		}
		tail = append(tail, s[i+len(sep):])
		s = s[:i]
	}
	parts := []string{s}
	for i := len(tail) - 1; i >= 0; i-- {
		parts = append(parts, tail[i])
	}
	return parts
}

// splitSpace splits at runs of blanks, at most limit times.
func splitSpace(s string, limit int, fromRight bool) []string {
	if limit < 0 {
		return strings.FieldsFunc(s, isSpace)
	}
	var parts []string
	if !fromRight {
		for s = strings.TrimLeftFunc(s, isSpace); s != ""; s = strings.TrimLeftFunc(s, isSpace) {
			end := strings.IndexFunc(s, isSpace)
			if len(parts) == limit {
				return append(parts, s)
			}
			if end < 0 {
				return append(parts, s)
			}
			parts = append(parts, s[:end])
			s = s[end:]
		}
		return parts
	}
	var tail []string
	for s = trimRightSpace(s); s != ""; s = trimRightSpace(s) {
		i := strings.LastIndexFunc(s, isSpace)
		if len(tail) == limit || i < 0 {
			tail = append(tail, s)
			break
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		tail = append(tail, s[i+n:])
		s = s[:i]
	}
	for i := len(tail) - 1; i >= 0; i-- {
		parts = append(parts, tail[i])
	}
	return parts
}

func isLineBreak(r rune) bool {
	return r >= 0x0a && r <= 0x0d || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}

// splitLines is Python's str.splitlines.
func splitLines(s string, keep bool) []string {
	var lines []string
	for s != "" {
		i := strings.IndexFunc(s, isLineBreak)
		if i < 0 {
			return append(lines, s)
		}
		_, n := utf8.DecodeRuneInString(s[i:])
		if strings.HasPrefix(s[i:], "\r\n") {
			n = 2
		}
		if keep {
			lines = append(lines, s[:i+n])
		} else {
			lines = append(lines, s[:i])
		}
		s = s[i+n:]
	}
	return lines
}

func splitLinesMethod(m *machine, s string, a []Value) (Value, error) {
	lines := splitLines(s, a[0] != nil && truth(a[0]))
	return textList(lines), m.room(24 * len(lines))
}

func partition(find func(s, sep string) int, last bool) func(m *machine, s string, a []Value) (Value, error) {
	return func(m *machine, s string, a []Value) (Value, error) {
		sep, err := wantText("partition", a[0])
		if err != nil {
			return nil, err
		}
		if sep == "" {
			return nil, errf("empty separator")
		}
		i := find(s, sep)
		switch {
		case i >= 0:
			return &tuple{items: []Value{str(s[:i]), str(sep), str(s[i+len(sep):])}}, nil
		case last:
			return &tuple{items: []Value{emptyStr, emptyStr, str(s)}}, nil
		}
		return &tuple{items: []Value{str(s), emptyStr, emptyStr}}, nil
	}
}

func trimAffix(trim func(s, part string) string) func(m *machine, s string, a []Value) (Value, error) {
	return func(m *machine, s string, a []Value) (Value, error) {
		part, err := wantText("removeprefix", a[0])
		return str(trim(s, part)), err
	}
}
