package models

import (
	"errors"
	"slices"

	"forge.lthn.ai/core/go-mlx/models/gguf"
	"forge.lthn.ai/core/go-mlx/templates"
)

// text writes the vocabulary, the tokens with a part to play and the chat templates.
func (w *ggufWriter) text(x *text) error {
	if x.tokenizer == nil {
		return errors.New("the model has no tokenizer")
	}
	pairs, err := x.tokenizer.GGUF(int(w.num("vocab_size")))
	if err != nil {
		return err
	}
	for _, p := range pairs {
		w.set(p.Key, p.Value)
	}
	roles := x.tokenizer.Roles()
	if x.eos >= 0 {
		roles.EOS = x.eos
	}
	for _, role := range []struct {
		key, variable string
		id            int32
	}{
		{"bos", "bos_token", roles.BOS}, {"eos", "eos_token", roles.EOS}, {"unknown", "unk_token", roles.Unknown}, {"padding", "pad_token", roles.Pad},
	} {
		if id, ok := x.tokenizer.ID(x.templates.Token(role.variable)); ok {
			role.id = id
		}
		key := "tokenizer.ggml." + role.key + "_token_id"
		if role.id >= 0 && !slices.ContainsFunc(w.Metadata, func(p gguf.Pair) bool { return p.Key == key }) {
			w.set(key, uint32(role.id))
		}
	}
	return w.chat(x.templates)
}

// chat writes the templates.
func (w *ggufWriter) chat(set *templates.Set) error {
	var others []string
	for _, name := range set.Names() {
		t, err := set.Template(name)
		if err != nil {
			return err
		}
		if name == templates.DefaultName {
			w.set("tokenizer.chat_template", t.Source())
			continue
		}
		others = append(others, name)
		w.set("tokenizer.chat_template."+name, t.Source())
	}
	if others != nil {
		w.set("tokenizer.chat_templates", others)
	}
	return nil
}
