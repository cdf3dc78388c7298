package hub

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/gguf"
)

// modelFiles are the files that a model is loaded from, and its card and licence.
// Templates have a folder in newer repositories; other folders hold other formats.
var (
	modelFiles   = []string{"*.json", "*.safetensors", "*.jinja", "*.txt", "*.model", "*.tiktoken", "README.md", "LICENSE*"}
	templateFile = "additional_chat_templates/*.jinja"
	consolidated = "consolidated*.safetensors" // Mistral's own format, beside Hugging Face's
)

// pick chooses the files of a repository that are wanted.
func (c *Client) pick(r Ref, all []file) ([]file, error) {
	var keep func(name string) bool
	switch {
	case r.File != "":
		name, err := chooseGGUF(all, r.File)
		if err != nil {
			return nil, err
		}
		names, err := splitGGUF(all, name)
		if err != nil {
			return nil, err
		}
		keep = func(n string) bool { return slices.Contains(names, n) }
	case len(c.allow) > 0:
		keep = matcher(c.allow)
	default:
		files, err := pickModel(all)
		if err != nil {
			return nil, err
		}
		keep = func(n string) bool { return files[n] }
	}
	ignore := matcher(c.ignore)
	out := slices.DeleteFunc(slices.Clone(all), func(f file) bool { return !keep(f.Path) || ignore(f.Path) })
	if len(out) == 0 {
		return nil, fmt.Errorf("%w: none of its %d files is wanted", ErrEntryNotFound, len(all))
	}
	seen := map[string]bool{}
	for _, f := range out {
		if err := checkPath(f.Path); err != nil {
			return nil, fmt.Errorf("the hub's list of files: %w", err)
		}
		if f.Size < 0 || seen[f.Path] {
			return nil, fmt.Errorf("the hub's list of files: %.80q is there twice, or has no size", f.Path)
		}
		seen[f.Path] = true
	}
	return out, nil
}

// pickModel is the default choice: what models.Load reads. A repository of nothing
// but GGUF files gives one of them.
func pickModel(all []file) (map[string]bool, error) {
	named, plain := matcher(modelFiles), matcher([]string{"*.safetensors"})
	odd, template := matcher([]string{consolidated}), matcher([]string{templateFile})
	out, oddOnes, weights := map[string]bool{}, []string(nil), false
	for _, f := range all {
		switch top := !strings.Contains(f.Path, "/"); {
		case template(f.Path):
			out[f.Path] = true
		case !top || !named(f.Path):
		case odd(f.Path):
			oddOnes = append(oddOnes, f.Path)
		default:
			out[f.Path] = true
			weights = weights || plain(f.Path)
		}
	}
	if weights {
		return out, nil
	}
	if len(oddOnes) == 0 && slices.ContainsFunc(all, func(f file) bool { return isGGUF(f.Path) }) {
		name, err := chooseGGUF(all, "")
		if err != nil {
			return nil, err
		}
		names, err := splitGGUF(all, name)
		clear(out)
		for _, n := range names {
			out[n] = true
		}
		return out, err
	}
	for _, n := range oddOnes {
		out[n] = true
	}
	return out, nil
}

// splitGGUF lists the files that a model is split into, of which name is one.
func splitGGUF(all []file, name string) ([]string, error) {
	names := gguf.SplitNames(name)
	for _, n := range names {
		if !slices.ContainsFunc(all, func(f file) bool { return f.Path == n }) {
			return nil, fmt.Errorf("%w: %s, one of the %d that %s belongs to", ErrEntryNotFound, n, len(names), name)
		}
	}
	return names, nil
}

// preferred are the types that are taken when none is named, as llama.cpp does.
var preferred = []string{"Q4_K_M", "Q8_0"}

// chooseGGUF finds the file that is named, or whose type is. Without a name it is
// the only one or one of a preferred type.
func chooseGGUF(all []file, want string) (string, error) {
	var names []string
	for _, f := range all {
		if f.Path == want {
			return want, nil
		}
		first := gguf.SplitNames(f.Path)[0] == f.Path // of a split one the first file stands for all
		if isGGUF(f.Path) && first && !strings.HasPrefix(path.Base(f.Path), "mmproj") {
			names = append(names, f.Path)
		}
	}
	switch {
	case isGGUF(want):
		return "", fmt.Errorf("%w: %s; %s", ErrEntryNotFound, want, listGGUF(names))
	case want != "":
		return oneOfType(names, want)
	case len(names) == 1:
		return names[0], nil
	}
	for _, t := range preferred {
		if name, err := oneOfType(names, t); err == nil {
			return name, nil
		}
	}
	return "", fmt.Errorf("several GGUF files: name one as org/name:FILE; %s", listGGUF(names))
}

// oneOfType finds the one file whose name has the type as a word.
func oneOfType(names []string, kind string) (string, error) {
	word := regexp.MustCompile(`(?i)(^|[-._/])` + regexp.QuoteMeta(kind) + `([-._/]|$)`)
	found := slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !word.MatchString(n) })
	switch len(found) {
	case 0:
		return "", fmt.Errorf("%w: no GGUF file of type %s; %s", ErrEntryNotFound, kind, listGGUF(names))
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("several GGUF files are of type %s: name one as org/name:FILE; %s", kind, listGGUF(found))
}

func listGGUF(names []string) string {
	if len(names) == 0 {
		return "there is none"
	}
	more := ""
	if len(names) > 20 {
		names, more = names[:20], ", ..."
	}
	return printable("there are " + strings.Join(names, ", ") + more)
}

func isGGUF(name string) bool { return strings.EqualFold(path.Ext(name), ".gguf") }

// matcher reports whether a path matches a pattern of Python's fnmatchcase.
func matcher(patterns []string) func(string) bool {
	var list []*regexp.Regexp
	for _, p := range patterns {
		list = append(list, fnmatch(p))
	}
	return func(name string) bool {
		return slices.ContainsFunc(list, func(r *regexp.Regexp) bool { return r.MatchString(name) })
	}
}

// fnmatch translates a pattern: *, ?, [abc], [!abc].
func fnmatch(pattern string) *regexp.Regexp {
	pattern = strings.ReplaceAll(pattern, `\`, "/")
	if strings.HasSuffix(pattern, "/") {
		pattern += "*"
	}
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch ch := pattern[i]; ch {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		case '[':
			set, n := bracket(pattern[i:])
			b.WriteString(set)
			i += n - 1
		default:
			b.WriteString(regexp.QuoteMeta(pattern[i : i+1]))
		}
	}
	r, err := regexp.Compile(`(?s)\A` + b.String() + `\z`)
	if err != nil { // an empty range such as [z-a] matches nothing
		return regexp.MustCompile(`[^\x00-\x{10FFFF}]`)
	}
	return r
}

// bracket translates a set at the beginning of s, and tells its length. A bracket
// that is never closed is itself.
func bracket(s string) (set string, length int) {
	from := 1
	if strings.HasPrefix(s[from:], "!") {
		from++
	}
	if strings.HasPrefix(s[from:], "]") {
		from++
	}
	end := strings.IndexByte(s[from:], ']')
	if end < 0 {
		return `\[`, 1
	}
	body := s[1 : from+end]
	not := ""
	if strings.HasPrefix(body, "!") {
		not, body = "^", body[1:]
	}
	return "[" + not + strings.NewReplacer(`\`, `\\`, `[`, `\[`, `]`, `\]`, `^`, `\^`).Replace(body) + "]", from + end + 1
}
