package models

import (
	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// Tokenizer is the model's; nil where it has none.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.text.tokenizer }

// Templates are the model's chat templates; a model may have none.
func (m *Model) Templates() *templates.Set { return m.text.templates }

// EOS is the token that ends a document; -1 for none.
func (m *Model) EOS() int32 { return m.text.eos }
