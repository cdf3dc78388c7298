package hub

import (
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// DefaultRevision is the branch that is meant when none is named.
const DefaultRevision = "main"

// Ref names a model of the Hub, as users write it:
//
//	org/name
//	org/name@revision            a branch, a tag or a commit
//	org/name:model-q4_0.gguf     one GGUF file
//	org/name:Q4_K_M              the GGUF file of that type, as ollama and llama.cpp say it
//
// The last two may follow a revision. hf.co/ and https://huggingface.co/ before the
// name are left out.
type Ref struct {
	Repo     string // org/name
	Revision string // empty is DefaultRevision
	File     string // a GGUF file, or the type of one; empty is the whole model
}

var (
	repoPattern   = lazy(`^[\w][\w.-]{0,95}(/[\w][\w.-]{0,95})?$`)
	commitPattern = lazy(`^([0-9a-f]{40}|[0-9a-f]{64})$`)
	prefixPattern = lazy(`^(https?://)?(www\.)?(hf\.co|huggingface\.co)/`)
)

// lazy is a pattern that is compiled at first use: these are long, and most programs
// load a model from a file.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}

// ParseRef reads a name. What cannot be one is an error that says why.
func ParseRef(s string) (Ref, error) {
	name, file, hasFile := strings.Cut(prefixPattern().ReplaceAllString(s, ""), ":")
	repo, revision, hasRevision := strings.Cut(name, "@")
	r := Ref{Repo: repo, Revision: revision, File: file}
	switch {
	case hasFile && file == "", hasRevision && revision == "":
		return Ref{}, fmt.Errorf("hub: %q: nothing follows the last sign; org/name@revision:file.gguf is the form", s)
	}
	return r, r.check()
}

// IsRef reports whether s has the form of a name with an organisation, and not the
// ending of a file.
func IsRef(s string) bool {
	r, err := ParseRef(s)
	_, name, ok := strings.Cut(r.Repo, "/")
	if err != nil || !ok {
		return false
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".gguf", ".safetensors", ".json":
		return false
	}
	return true
}

// check refuses what would leave its folder or its place in an address.
func (r Ref) check() error {
	repo := r.Repo
	if !repoPattern().MatchString(repo) || strings.Contains(repo, "--") || strings.Contains(repo, "..") ||
		strings.HasSuffix(repo, ".git") || strings.HasSuffix(repo, ".") || strings.HasSuffix(repo, "-") {
		return fmt.Errorf("hub: %q is no name of a model: org/name of letters, digits, - _ and . is the form", repo)
	}
	if err := checkPath(r.revision()); err != nil {
		return fmt.Errorf("hub: %s: revision: %w", repo, err)
	}
	if r.File != "" {
		if err := checkPath(r.File); err != nil {
			return fmt.Errorf("hub: %s: file: %w", repo, err)
		}
	}
	return nil
}

// checkPath refuses a path of outside that is not plainly below a folder, on any
// system.
func checkPath(path string) error {
	bad := strings.ContainsFunc(path, func(r rune) bool { return r < ' ' || r == 0x7f || strings.ContainsRune(`\:*?"<>|`, r) })
	if bad || !filepath.IsLocal(filepath.FromSlash(path)) || len(path) > 1024 {
		return fmt.Errorf("%.80q is refused as a path", path)
	}
	for part := range strings.SplitSeq(path, "/") {
		if part == "" || part == "." || part == ".." || len(part) > 255 {
			return fmt.Errorf("%.80q is refused as a path", path)
		}
	}
	return nil
}

// String writes the name as ParseRef reads it.
func (r Ref) String() string {
	s := r.Repo
	if r.Revision != "" {
		s += "@" + r.Revision
	}
	if r.File != "" {
		s += ":" + r.File
	}
	return s
}

func (r Ref) revision() string {
	if r.Revision == "" {
		return DefaultRevision
	}
	return r.Revision
}

// folder is the repository's folder in the cache.
func (r Ref) folder() string { return folderPrefix + strings.ReplaceAll(r.Repo, "/", "--") }

const folderPrefix = "models--"
