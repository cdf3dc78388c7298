package cache

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// fileMeta is the metadata of a prompt cache as mlx_lm.models.cache has it in
// save_prompt_cache: tree_flatten of [metadata, classes, scalars].
type fileMeta struct {
	user    map[string]string // the caller's
	classes []string          // of the layers
	scalars []fileScalar      // which of the arrays stand for something else
}

// fileScalar is an array that stands for something else.
type fileScalar struct{ name, kind string }

// The kinds of scalars that a layer's state has.
const (
	scalarNumber = "scalar"
	scalarNone   = "none"
)

// encode is the metadata of the file.
func (m *fileMeta) encode() map[string]string {
	out := map[string]string{"2.0": ""} // mlx-lm's list of scalars begins with ""
	for k, v := range m.user {
		out["0."+k] = v
	}
	for i, class := range m.classes {
		out[fmt.Sprintf("1.%d", i)] = class
	}
	for i, s := range m.scalars {
		out[fmt.Sprintf("2.%d.0", i+1)], out[fmt.Sprintf("2.%d.1", i+1)] = s.name, s.kind
	}
	return out
}

var errNoPromptCache = errors.New("no prompt cache as mlx-lm 0.32 saves them")

// parseMeta reads the metadata of a file.
func parseMeta(raw map[string]string) (*fileMeta, error) {
	m := &fileMeta{user: map[string]string{}}
	classes, names, kinds := map[int]string{}, map[int]string{}, map[int]string{}
	for key, value := range raw {
		top, rest, _ := strings.Cut(key, ".")
		index, part, _ := strings.Cut(rest, ".")
		i, err := strconv.Atoi(index)
		switch {
		case top == "0" && rest != "":
			m.user[rest] = value
		case key == "2.0" && value == "":
		case err != nil || strconv.Itoa(i) != index:
			return nil, fmt.Errorf("metadata %q: %w", key, errNoPromptCache)
		case top == "1" && part == "" && !strings.HasSuffix(rest, "."):
			classes[i] = value
		case top == "2" && part == "0":
			names[i] = value
		case top == "2" && part == "1":
			kinds[i] = value
		default:
			return nil, fmt.Errorf("metadata %q: %w", key, errNoPromptCache)
		}
	}
	var err error
	if m.classes, err = inOrder("1", 0, classes); err != nil {
		return nil, err
	}
	allNames, err := inOrder("2", 1, names)
	if err != nil {
		return nil, err
	}
	allKinds, err := inOrder("2", 1, kinds)
	if err != nil {
		return nil, err
	}
	if len(allNames) != len(allKinds) {
		return nil, fmt.Errorf("%d scalars of %d kinds: %w", len(allNames), len(allKinds), errNoPromptCache)
	}
	for i, name := range allNames {
		m.scalars = append(m.scalars, fileScalar{name, allKinds[i]})
	}
	return m, nil
}

// inOrder is the values of a list from an index on, none of which may be missing.
func inOrder(list string, from int, values map[int]string) (all []string, err error) {
	for n, i := range slices.Sorted(maps.Keys(values)) {
		if i != from+n {
			return nil, fmt.Errorf("metadata \"%s.%d\" is missing: %w", list, from+n, errNoPromptCache)
		}
		all = append(all, values[i])
	}
	return all, nil
}
