package models

import (
	"context"
	"errors"
	"iter"
	"sync/atomic"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models/cache"
	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/templates"
)

// Model is a language model with its weights, its tokenizer and its chat
// template. Its methods may be called from any goroutine; generations take
// turns on the thread of the model's Worker, a step each.
type Model struct {
	arch   architecture
	worker *mlx.Worker
	owner  *mlx.Owner
	closed atomic.Bool
	policy nn.Policy
	text   text

	uncached *cache.Cache // of Logits
	vocab    int
	size     int64
}

// ErrClosed is the error of a generation by a model that was closed.
var ErrClosed = errors.New("models: the model is closed")

// ErrNoChatTemplate is wrapped when a model that has no chat template is asked
// to chat.
var ErrNoChatTemplate = templates.ErrNoTemplate

// Generate continues prompt as it is, without a chat template, and streams the
// tokens. It stops at the model's end-of-text tokens.
func (m *Model) Generate(ctx context.Context, prompt string, opts ...generate.Option) iter.Seq2[generate.Token, error] {
	ids, err := m.text.encode(prompt, true)
	return m.stream(ctx, ids, err, opts)
}

// Chat answers a conversation: the messages go through the model's chat
// template.
func (m *Model) Chat(ctx context.Context, chat templates.Chat, opts ...generate.Option) iter.Seq2[generate.Token, error] {
	ids, err := m.ChatTokens(chat)
	return m.stream(ctx, ids, err, opts)
}

// ChatTokens renders a conversation through the model's chat template and
// encodes it. The template writes its special tokens itself.
func (m *Model) ChatTokens(chat templates.Chat) ([]int32, error) {
	prompt, err := m.text.render(chat)
	if err != nil {
		return nil, err
	}
	return m.text.encode(prompt, false)
}

// GenerateTokens continues a prompt of token ids.
func (m *Model) GenerateTokens(ctx context.Context, prompt []int32, opts ...generate.Option) iter.Seq2[generate.Token, error] {
	return m.stream(ctx, prompt, nil, opts)
}

func (m *Model) stream(ctx context.Context, prompt []int32, err error, opts []generate.Option) iter.Seq2[generate.Token, error] {
	if err == nil {
		err = m.checkTokens(prompt)
	}
	if err != nil {
		return func(yield func(generate.Token, error) bool) { yield(generate.Token{}, err) }
	}
	all := append([]generate.Option{generate.WithStopTokens(m.text.stops...)}, opts...)
	return func(yield func(generate.Token, error) bool) {
		// m itself, not m.arch: it looks whether it is closed, and its owner stays
		// reachable as long as the stream runs. Each loop decodes its own text.
		generate.Stream(ctx, m.worker, m, prompt, m.text.decoder(), all...)(yield)
	}
}

// Forward maps tokens [B, L] to logits [B, L, V], or [B] to [B, V], and grows
// the cache. It is for code that builds its own graphs, on the model's thread.
func (m *Model) Forward(s *mlx.Scope, tokens mlx.Array, kv *cache.Cache) mlx.Array {
	if m.closed.Load() { // the weights are freed on this thread, so not from here on
		s.Fail(ErrClosed)
		return mlx.Array{}
	}
	if shape := s.Shape(tokens); len(shape) == 2 && shape[1] == 1 { // a step, which layers run as [B, D]
		logits := m.arch.Forward(s, s.Reshape(tokens, shape[0]), kv)
		return s.ExpandDims(logits, 1)
	}
	return m.arch.Forward(s, tokens, kv)
}

// NewCache makes an empty cache for the model.
func (m *Model) NewCache(t *mlx.Thread, opts ...cache.Option) *cache.Cache {
	return m.arch.NewCache(t, opts...)
}

// Worker is where the model runs.
func (m *Model) Worker() *mlx.Worker { return m.worker }

// Owner is what the weights belong to, and arrays that become part of the model.
func (m *Model) Owner() *mlx.Owner { return m.owner }

// Nested reports whether the model is the language model within a checkpoint that
// also sees or hears, where mlx-lm's names begin with "language_model.".
func (m *Model) Nested() bool {
	_, nested := m.arch.(*languageModel)
	return nested
}

// Tied reports whether the embedding is the output layer too.
func (m *Model) Tied() bool {
	_, tied := m.arch.headLayer().(*nn.Embedding)
	return tied
}

// Policy tells the form in which the weights are kept.
func (m *Model) Policy() nn.Policy { return m.policy }

// Close frees the weights; generations that still run end with ErrClosed. A second
// Close does nothing.
func (m *Model) Close() error {
	if m.closed.Swap(true) || m.owner == nil {
		return nil
	}
	return m.owner.Close()
}
