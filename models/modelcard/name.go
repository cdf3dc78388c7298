package modelcard

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Name is what the name of a model tells, such as org/Base-7B-Instruct-v0.3. What it
// does not tell is empty.
type Name struct {
	Organization string // "org"
	Full         string // "Base-7B-Instruct-v0.3"
	Base         string // "Base"
	Finetune     string // "Instruct"
	Version      string // "v0.3"
	Size         string // "7B"
}

// part is a word of a name, and what it may be.
type part struct {
	text                               string
	base, size, finetune, version, typ bool
}

// plain words have been taken for nothing yet.
func (p *part) plain() bool { return !p.size && !p.finetune && !p.version && !p.typ }

var (
	versionWord  = regexp.MustCompile(`(?i)^(v|iter)?\d+([.]\d+)*$`)
	typeWord     = regexp.MustCompile(`(?i)^(i?q\d(_\w)*|b?fp?(16|32))$`)
	sizeWord     = regexp.MustCompile(`(?i)^((a|\d+x)?\d+([._]\d+)?[kmbt]\d?|small|mini|medium|large|x?xl)$`)
	finetuneWord = regexp.MustCompile(`(?i)^(chat|instruct|vision|lora)$`)
)

// ParseName takes the name of a model apart. A size in it that is far from the number
// of parameters, where that is not 0, is a context's.
// Reference: Metadata.get_model_id_components.
func ParseName(id string, parameters int64) Name {
	if strings.Contains(id, " ") { // a name for people
		return Name{Full: id}
	}
	n := Name{Full: id}
	if org, rest, ok := strings.Cut(id, "/"); ok {
		n.Organization, n.Full = org, rest
		if strings.HasPrefix(org, ".") { // a path
			n.Organization = ""
		}
	}
	words := slices.DeleteFunc(strings.Split(n.Full, "-"), func(w string) bool { return w == "" })
	parts := make([]part, len(words))
	for i, w := range words {
		parts[i] = classify(w, i == 0, parameters)
	}
	dropWordSizes(parts)
	markBase(parts)
	n.Size = join(parts, func(p part) bool { return p.size }, true)
	n.Finetune = join(parts, func(p part) bool { return p.finetune }, false)
	n.Version = join(parts, func(p part) bool { return p.version && !p.base }, false)
	if n.Size != "" || n.Finetune != "" || n.Version != "" {
		n.Base = join(parts, func(p part) bool { return p.base }, false)
	}
	return n
}

func classify(word string, first bool, parameters int64) part {
	p := part{text: word}
	switch {
	case versionWord.MatchString(word):
		p.version = true
	case typeWord.MatchString(word):
		p.typ = true
		p.text = strings.ToUpper(word)
	case first:
	case sizeWord.MatchString(word):
		p.text = normalSize(word)
		if contextLength(p.text, parameters) {
			p.finetune = true
			p.text = p.text[:len(p.text)-1] + strings.ToLower(p.text[len(p.text)-1:])
		} else {
			p.size = true
		}
	case finetuneWord.MatchString(word):
		p.finetune = true
	}
	return p
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// normalSize writes 7b1 and 7_1b as 7.1B.
func normalSize(word string) string {
	w := strings.ReplaceAll(word, "_", ".")
	n := len(w)
	if isDigit(w[n-1]) {
		w = w[:n-2] + "." + w[n-1:] + w[n-2:n-1]
		n++
	}
	if n > 1 && isDigit(w[n-2]) {
		w = w[:n-1] + strings.ToUpper(w[n-1:])
	}
	return w
}

// contextLength reports whether a size is too far from the number of parameters to
// be theirs: by more than seven eighths of them.
func contextLength(size string, parameters int64) bool {
	n := len(size) - 1
	number, err := strconv.ParseFloat(size[:n], 64)
	if err != nil || parameters == 0 {
		return false
	}
	told := number * math.Pow(1000, float64(strings.IndexByte(" KMBT", size[n])))
	return math.Abs(told-float64(parameters)) > float64(7*parameters/8)
}

// dropWordSizes takes small, large and the like for no sizes where there is a number.
func dropWordSizes(parts []part) {
	if !slices.ContainsFunc(parts, func(p part) bool { return p.size && strings.ContainsAny(p.text, "0123456789") }) {
		return
	}
	for i, p := range parts {
		if p.size && strings.IndexFunc(p.text, func(r rune) bool { return !unicode.IsLetter(r) }) < 0 {
			parts[i].size = false
		}
	}
}

// markBase finds the words that the name begins with, without a version at their
// end; what is none of all this is what the model was tuned for.
func markBase(parts []part) {
	start := true
	for i := range parts {
		p := &parts[i]
		if start && (p.plain() && unicode.IsLetter([]rune(p.text)[0]) || p.version) {
			p.base = true
			continue
		}
		start = false
		if p.plain() {
			p.finetune = true
		}
	}
	for i := len(parts) - 1; i >= 0 && parts[i].base && !parts[i].plain(); i-- {
		parts[i].base = false
	}
}

// join joins the words that are meant, each once if it is to be so.
func join(parts []part, meant func(part) bool, once bool) string {
	var list []string
	for _, p := range parts {
		if meant(p) && (!once || !slices.Contains(list, p.text)) {
			list = append(list, p.text)
		}
	}
	return strings.Join(list, "-")
}

var notTitled = regexp.MustCompile(`^(v\d+(\.\d+)*$|\d)`)

// Title writes a name for people: words apart, those in small letters with a large one
// before them, unless they are versions. Reference: Metadata.id_to_title.
func Title(name string) string {
	words := strings.Fields(strings.ReplaceAll(name, "-", " "))
	for i, w := range words {
		if small(w) && !notTitled.MatchString(w) {
			words[i] = titled(w)
		}
	}
	return strings.Join(words, " ")
}

// small reports whether a word has letters, none of them large.
func small(word string) bool {
	return strings.IndexFunc(word, unicode.IsLower) >= 0 && strings.IndexFunc(word, unicode.IsUpper) < 0
}

// titled makes the first of letters that stand together large.
func titled(word string) string {
	before := ' '
	return strings.Map(func(r rune) rune {
		letter := unicode.IsLetter(before)
		before = r
		if letter {
			return r
		}
		return unicode.ToTitle(r)
	}, word)
}
