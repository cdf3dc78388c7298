// Package mlx is the front door of go-mlx: it loads a language model and
// generates text with it, on MLX, with Metal, CUDA or the CPU.
//
//	m, err := mlx.LoadModel("/path/to/model")
//	if err != nil {
//		return err
//	}
//	defer m.Close()
//	for tok, err := range m.Generate("Once upon a time", mlx.WithMaxTokens(128)) {
//		if err != nil {
//			return err
//		}
//		fmt.Print(tok.Text)
//	}
//
// Beneath it, package models has the architectures and everything that the
// short form leaves out, package runtime has MLX itself: arrays, operations,
// evaluation.
package mlx

import (
	"context"
	"iter"

	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models"
	"forge.lthn.ai/core/go-mlx/templates"
)

// Token is one generated token: its id, the text that is complete with it, and
// on the last one why it is the last and the figures of the generation.
type Token = generate.Token

// Message is one message of a conversation.
type Message = templates.Message

// LoadOption changes how a model is loaded; they are those of package models.
type LoadOption = models.Option

// Model is a loaded language model. Its methods may be called from any
// goroutine.
type Model struct{ *models.Model }

// LoadModel loads the model at path: a folder as Hugging Face has them, a GGUF
// file, or the name of a model on the Hugging Face Hub, org/name, which is
// downloaded the first time. Close it to free its memory.
func LoadModel(path string, opts ...LoadOption) (*Model, error) {
	return LoadModelContext(context.Background(), path, opts...)
}

// LoadModelContext is LoadModel with a context that can cancel the loading.
func LoadModelContext(ctx context.Context, path string, opts ...LoadOption) (*Model, error) {
	m, err := models.Load(ctx, path, opts...)
	if err != nil {
		return nil, err
	}
	return &Model{m}, nil
}

// Generate continues prompt as it is. Range over it with one variable for the
// tokens, or with two for the error as well; an error ends the stream.
func (m *Model) Generate(prompt string, opts ...Option) iter.Seq2[Token, error] {
	c := newCall(opts)
	return m.Model.Generate(c.ctx, prompt, c.options...)
}

// Chat answers a conversation through the model's chat template.
func (m *Model) Chat(messages []Message, opts ...Option) iter.Seq2[Token, error] {
	c := newCall(opts)
	return m.Model.Chat(c.ctx, templates.Chat{Messages: messages}, c.options...)
}

// User is a message of the user's.
func User(text string) Message { return Message{Role: "user", Content: text} }

// System is a message that sets the scene.
func System(text string) Message { return Message{Role: "system", Content: text} }

// Assistant is a message of the model's.
func Assistant(text string) Message { return Message{Role: "assistant", Content: text} }
