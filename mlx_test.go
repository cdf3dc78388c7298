package mlx_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	mlx "forge.lthn.ai/core/go-mlx"
	"forge.lthn.ai/core/go-mlx/generate"
	"forge.lthn.ai/core/go-mlx/models"
)

func TestLoadModelErrors(t *testing.T) {
	missing := filepath.Join(t.TempDir(), "nothing")
	_, err := mlx.LoadModel(missing)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, missing)

	_, err = mlx.LoadModel(t.TempDir())
	require.ErrorIs(t, err, os.ErrNotExist)
	require.ErrorContains(t, err, "config.json")

	file := filepath.Join(t.TempDir(), "model.gguf")
	require.NoError(t, os.WriteFile(file, []byte("not a model"), 0o600))
	_, err = mlx.LoadModel(file)
	require.ErrorContains(t, err, file)

	m, err := mlx.LoadModel(tiny(t, nil), models.WithWeights("fluffy"))
	require.Nil(t, m)
	require.ErrorContains(t, err, "fluffy", "options reach models.Load")
}

func TestLoadModelCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m, err := mlx.LoadModelContext(ctx, tiny(t, nil))
	require.ErrorIs(t, err, context.Canceled)
	require.Nil(t, m)
}

func TestCloseTwice(t *testing.T) {
	m, err := mlx.LoadModel(tiny(t, nil))
	require.NoError(t, err)
	require.NoError(t, m.Close())
	require.NoError(t, m.Close())
}

func TestMessages(t *testing.T) {
	require.Equal(t, mlx.Message{Role: "user", Content: "x"}, mlx.User("x"))
	require.Equal(t, mlx.Message{Role: "system", Content: "x"}, mlx.System("x"))
	require.Equal(t, mlx.Message{Role: "assistant", Content: "x"}, mlx.Assistant("x"))
}

// prompt is "abab" for the tiny tokenizer.
var prompt = []int32{0, 1, 0, 1}

// Each option is the one of package generate of that name.
func TestOptionsReachTheCall(t *testing.T) {
	m := load(t, tiny(t, nil))
	sampling := func(s generate.Sampling) []generate.Option {
		return []generate.Option{generate.WithSampling(s), generate.WithMaxTokens(20)}
	}
	warm, bound := mlx.WithTemperature(1.5), mlx.WithMaxTokens(20)
	seen := map[string]string{}
	for what, c := range map[string]struct {
		opts []mlx.Option
		want []generate.Option
	}{
		"nothing":     {nil, nil},
		"max tokens":  {[]mlx.Option{mlx.WithMaxTokens(7)}, []generate.Option{generate.WithMaxTokens(7)}},
		"temperature": {[]mlx.Option{warm, bound}, sampling(generate.Sampling{Temperature: 1.5})},
		"seed": {[]mlx.Option{mlx.WithSeed(9), warm, bound},
			append(sampling(generate.Sampling{Temperature: 1.5}), generate.WithSeed(9))},
		"top-p": {[]mlx.Option{mlx.WithTopP(0.3), warm, bound}, sampling(generate.Sampling{Temperature: 1.5, TopP: 0.3})},
		"top-k": {[]mlx.Option{warm, bound, mlx.WithTopK(3)}, sampling(generate.Sampling{Temperature: 1.5, TopK: 3})},
		"min-p": {[]mlx.Option{warm, mlx.WithMinP(0.2), bound}, sampling(generate.Sampling{Temperature: 1.5, MinP: 0.2})},
		"max kv size": {[]mlx.Option{mlx.WithMaxKVSize(3), warm, bound},
			append(sampling(generate.Sampling{Temperature: 1.5}), generate.WithMaxKVSize(3))},
		"the last one counts": {[]mlx.Option{mlx.WithTemperature(9), mlx.WithMaxTokens(1), mlx.WithTemperature(0.7), bound},
			sampling(generate.Sampling{Temperature: 0.7})},
	} {
		want, end := collect(t, m.GenerateTokens(t.Context(), prompt, c.want...))
		have, last := collect(t, m.Generate("abab", c.opts...))
		require.Equal(t, want, have, what)
		require.Equal(t, end.Finish, last.Finish, what)
		same := fmt.Sprint(have)
		require.Empty(t, seen[same], "%s changes nothing", what)
		seen[same] = what
	}
}

func TestBadOptions(t *testing.T) {
	m := load(t, tiny(t, nil))
	for want, opt := range map[string]mlx.Option{
		"temperature -1": mlx.WithTemperature(-1), "top-p 3": mlx.WithTopP(3), "top-k -1": mlx.WithTopK(-1),
		"min-p 2": mlx.WithMinP(2), "cache: 7 bits": mlx.WithKVBits(7), "cache: the maximum size is -1 tokens": mlx.WithMaxKVSize(-1),
	} {
		var failed error
		for _, failed = range m.Generate("ab", opt) {
		}
		require.ErrorContains(t, failed, "generate: "+want)
	}
	var failed error
	for _, failed = range m.Generate("") {
	}
	require.ErrorContains(t, failed, "the prompt has no tokens")
}

// The model's own stop tokens end a text unless they are switched off.
func TestWithoutStops(t *testing.T) {
	free, _ := collect(t, load(t, tiny(t, nil)).Generate("abab", mlx.WithMaxTokens(6)))
	require.NotEqual(t, free[0], free[3])
	m := load(t, tiny(t, map[string]string{"generation_config.json": fmt.Sprintf(`{"eos_token_id": [%d]}`, free[3])}))
	ids, last := collect(t, m.Generate("abab", mlx.WithMaxTokens(6)))
	require.Equal(t, free[:4], ids)
	require.Equal(t, generate.Stop, last.Finish)
	ids, last = collect(t, m.Generate("abab", mlx.WithMaxTokens(6), mlx.WithoutStops()))
	require.Equal(t, free, ids)
	require.Equal(t, generate.Length, last.Finish)
}

func TestWithContext(t *testing.T) {
	m := load(t, tiny(t, map[string]string{"chat_template.jinja": chatTemplate}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	tokens, failed := 0, error(nil)
	for _, err := range m.Generate("ab", mlx.WithContext(ctx)) {
		if failed = err; err == nil {
			if tokens++; tokens == 3 {
				cancel()
			}
		}
	}
	require.ErrorIs(t, failed, context.Canceled)
	require.Equal(t, 3, tokens)

	tokens = 0
	for _, failed = range m.Chat([]mlx.Message{mlx.User("x")}, mlx.WithContext(ctx)) {
		tokens++
	}
	require.ErrorIs(t, failed, context.Canceled)
	require.Equal(t, 1, tokens, "nothing but the error")
}

// A conversation goes through the model's template, each role in its place, with
// the generation prompt behind it.
func TestChat(t *testing.T) {
	m := load(t, tiny(t, map[string]string{"chat_template.jinja": chatTemplate}))
	for _, c := range []struct {
		messages []mlx.Message
		prompt   []int32 // a is 0, b is 1, <e> is 3
	}{
		{[]mlx.Message{mlx.User("x")}, []int32{1, 3}},
		{[]mlx.Message{mlx.System("x"), mlx.System("x")}, []int32{0, 0, 3}},
		{[]mlx.Message{mlx.User("x"), mlx.Assistant("y"), mlx.User("z")}, []int32{1, 0, 0, 1, 3}},
	} {
		want, _ := collect(t, m.GenerateTokens(t.Context(), c.prompt, generate.WithMaxTokens(9)))
		have, last := collect(t, m.Chat(c.messages, mlx.WithMaxTokens(9)))
		require.Equal(t, want, have, "%v", c.messages)
		require.Equal(t, len(c.prompt), last.Stats.PromptTokens)
	}
}

// A model without a template, and a conversation that the template refuses, are
// errors of the stream.
func TestChatErrors(t *testing.T) {
	chat := func(m *mlx.Model) (failed error) {
		for _, failed = range m.Chat([]mlx.Message{mlx.User("hello")}) {
		}
		return failed
	}
	require.ErrorIs(t, chat(load(t, tiny(t, nil))), models.ErrNoChatTemplate)
	strict := load(t, tiny(t, map[string]string{"chat_template.jinja": `{{ raise_exception('system first') }}`}))
	require.ErrorContains(t, chat(strict), "system first")
}
