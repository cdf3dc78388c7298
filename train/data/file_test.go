package data

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"forge.lthn.ai/core/go-mlx/templates"
	"forge.lthn.ai/core/go-mlx/tokenizer"
)

// chatML is a template without {% generation %}.
const chatML = "{% for m in messages %}{{ '<|start|>' + m.role + '\n' + m.content + '<|end|>\n' }}{% endfor %}" +
	"{% if add_generation_prompt %}{{ '<|start|>assistant\n' }}{% endif %}"

func write(t testing.TB, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "train.jsonl")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// The error names file, line and member.
func TestMalformedLines(t *testing.T) {
	e := tinyEncoder(t, "smollm", chatML)
	const good = `{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}`
	for want, line := range map[string]string{
		"unexpected end of JSON input":             `{"messages": [`,
		"not an object but array":                  `[1]`,
		"not an object but null":                   `null`,
		"not UTF-8":                                "{\"messages\": \"\xff\"}",
		`half of a surrogate pair`:                 `{"messages": [{"role": "user", "content": "\ud83d!"}]}`,
		"messages: missing":                        `{"text": "b"}`,
		"messages: must be an array, not a string": `{"messages": "b"}`,
		"messages: there is none":                  `{"messages": []}`,
		"messages[0]: templates: a message must be an object, not str": `{"messages": ["b"]}`,
		"tools: must be an array, not an object":                       `{"messages": [{"role": "user", "content": "a"}], "tools": {}}`,
		"invalid character 'x' after top-level value":                  good + "x",
	} {
		path := write(t, good+"\n\n"+good+"\r\n"+line+"\n"+good)
		_, err := Open(t.Context(), path, e)
		require.ErrorContains(t, err, path+": line 4: ")
		require.ErrorContains(t, err, want)

		f := open(t, path, e, WithSkipBad())
		require.Equal(t, 3, f.Len())
		skipped, first := f.Skipped()
		require.Equal(t, 1, skipped)
		require.Equal(t, err.Error(), first.Error())
	}
}

func TestMembersOfOtherFormats(t *testing.T) {
	e := tinyEncoder(t, "smollm", chatML)
	for want, text := range map[string]string{
		"line 2: completion: must be a string, not 3":               `{"prompt": "a", "completion": "b"}` + "\n" + `{"prompt": "a", "completion": 3}`,
		"line 2: prompt: missing":                                   `{"prompt": "a", "completion": "b"}` + "\n" + `{"completion": "b"}`,
		"line 1: text: must be a string, not null":                  `{"text": null}`,
		`nor "messages", nor "text": the row has completion, words`: `{"words": "a", "completion": "b"}`,
		"the row has nothing":                                       `{}`,
	} {
		_, err := Open(t.Context(), write(t, text), e)
		require.ErrorContains(t, err, want)
	}
}

// What mlx-lm takes a first row for: completions before chats before texts.
func TestFormats(t *testing.T) {
	e := tinyEncoder(t, "smollm", chatML)
	for text, want := range map[string]Format{
		`{"text": "t", "messages": [{"role": "user", "content": "u"}]}`:                                 Chat,
		`{"text": "t", "prompt": "p"}`:                                                                  Text,
		`{"text": "t", "prompt": "p", "messages": [{"role":"user", "content": ""}], "completion": "c"}`: Completions,
		"\xef\xbb\xbf  \n \t{\"text\": \"t\"} \r\n":                                                     Text,
	} {
		f := open(t, write(t, text), e)
		require.Equal(t, want, f.Format())
		_, err := f.Example(0)
		require.NoError(t, err)
	}
	f := open(t, write(t, `{"q": "1", "a": "2", "body": "3"}`), e, WithKeys(Keys{Text: "body"}))
	require.Equal(t, Text, f.Format())
}

func TestUnreadableAndEmptyFiles(t *testing.T) {
	e := tinyEncoder(t, "smollm", chatML)
	dir := t.TempDir()
	_, err := Open(t.Context(), filepath.Join(dir, "none.jsonl"), e)
	require.ErrorIs(t, err, os.ErrNotExist)
	_, err = Open(t.Context(), dir, e)
	require.ErrorContains(t, err, "not a regular file")
	_, err = Open(t.Context(), write(t, " \n\n"), e)
	require.ErrorContains(t, err, "the file has no rows")
	_, err = Open(t.Context(), write(t, "x\n{}\n"), e, WithSkipBad())
	require.ErrorContains(t, err, "all of its 2 lines are malformed; the first: data: ")
	_, err = Open(t.Context(), write(t, `{"text": "t"}`), e, WithMaskPrompt(), WithSkipBad())
	require.ErrorContains(t, err, "the rows are texts, in which no prompt can be masked")
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Open(cancelled, write(t, `{"text": "t"}`), e)
	require.ErrorIs(t, err, context.Canceled)
	_, err = Open(t.Context(), write(t, `{"prompt": "p", "completion": "c"}`), &Encoder{Tokenizer: e.Tokenizer, EOS: -1})
	require.ErrorIs(t, err, templates.ErrNoTemplate)
	_, err = Open(t.Context(), write(t, `{"text": "a"}`+"\n"+`{"text": ""}`), e)
	require.ErrorContains(t, err, "line 2: fewer than two tokens")
}

// A line that is too long is a malformed one; what is behind it is read.
func TestLineThatIsTooLong(t *testing.T) {
	e := tinyEncoder(t, "smollm", chatML)
	path := write(t, "{\"text\": \"ab\"}\n{\"text\": \""+strings.Repeat("x", maxLine)+"\"}\n{\"text\": \"cd\"}\n")
	_, err := Open(t.Context(), path, e)
	require.ErrorContains(t, err, "line 2: longer than 64 MiB")
	f := open(t, path, e, WithSkipBad())
	require.Equal(t, 2, f.Len())
	ex, err := f.Example(1)
	require.NoError(t, err)
	require.Equal(t, "cd<|end|>", e.Tokenizer.Decode(ex.Tokens))
}

// The file is looked at again when a row is asked for.
func TestChangedFile(t *testing.T) {
	e := tinyEncoder(t, "smollm", chatML)
	path := write(t, `{"text": "one"}`+"\n"+`{"text": "two"}`)
	f := open(t, path, e)
	require.NoError(t, os.WriteFile(path, []byte(`{"text": "one"}`+"\n"+`{"tent": "two"}`), 0o600))
	_, err := f.Example(0)
	require.NoError(t, err)
	_, err = f.Example(1)
	require.ErrorContains(t, err, "row 2 is not what it was when the file was opened")
}

// The first reading tells how far it is.
func TestProgress(t *testing.T) {
	e := tinyEncoder(t, "smollm", chatML)
	text := strings.Repeat(`{"text": "one"}`+"\n", 3*lotLines/2)
	var done []int64
	f := open(t, write(t, text), e, WithProgress(func(n, total int64) {
		require.Equal(t, int64(len(text)), total)
		done = append(done, n)
	}))
	require.Equal(t, 3*lotLines/2, f.Len())
	require.Equal(t, []int64{int64(len(text)) * 2 / 3, int64(len(text))}, done)
}

// Without {% generation %} the answers are found by rendering up to each.
func TestAnswersByRendering(t *testing.T) {
	thinking := "{% for m in messages %}{{ '<|start|>' + m.role + '\n' }}{% if m.role == 'assistant' and not loop.last %}" +
		"{{ m.content.split('</think>')[-1].lstrip('\n') }}{% else %}{{ m.content }}{% endif %}{{ '<|end|>\n' }}{% endfor %}" +
		"{% if add_generation_prompt %}{{ '<|start|>assistant\n<think>\n' }}{% endif %}"
	const rows = `{"messages": [{"role": "system", "content": "Short."}, {"role": "user", "content": "1+1?"}, {"role": "assistant", "content": "<think>\neasy</think>\n\n2"},
		{"role": "user", "content": "Sure?"}, {"role": "assistant", "content": "<think>\nyes</think>\n\nYes"}]}`
	for _, c := range []struct {
		template string
		want     []string
	}{
		{chatML, []string{"<think>\neasy</think>\n\n2<|end|>\n", "<think>\nyes</think>\n\nYes<|end|>\n"}},
		{thinking, []string{"2<|end|>\n", "yes</think>\n\nYes<|end|>\n"}},
	} {
		e := tinyEncoder(t, "smollm", c.template)
		ex, err := open(t, write(t, strings.ReplaceAll(rows, "\n", "")), e, WithAssistantOnly()).Example(0)
		require.NoError(t, err)
		require.Equal(t, c.want, answersOf(e.Tokenizer, ex))
	}
}

// answersOf are the texts of the runs of tokens that count.
func answersOf(tok *tokenizer.Tokenizer, ex *Example) (texts []string) {
	var run []int32
	for i, id := range append(ex.Tokens, -1) {
		if i < len(ex.Tokens) && ex.Trained[i] {
			run = append(run, id)
		} else if len(run) > 0 {
			texts, run = append(texts, tok.Decode(run)), nil
		}
	}
	return texts
}

// Both ways mark the same answers, but for the line's end before them, which this
// {% generation %} has in it; a template that hides an answer is refused.
func TestAnswersByRenderingAreTheGenerations(t *testing.T) {
	marked, err := os.ReadFile("../../templates/testdata/real/qwen2.5-training.jinja")
	require.NoError(t, err)
	plain := strings.NewReplacer("{%- generation %}", "", "{%- endgeneration %}", "").Replace(string(marked))
	with, without := tinyEncoder(t, "qwen2", string(marked)), tinyEncoder(t, "qwen2", plain)
	for _, name := range []string{"chat", "tools", "completions"} {
		path := filepath.Join("testdata", name+".jsonl")
		a, b := open(t, path, with, WithAssistantOnly()), open(t, path, without, WithAssistantOnly())
		for i := range a.Len() {
			want, err := a.Example(i)
			require.NoError(t, err)
			got, err := b.Example(i)
			require.NoError(t, err)
			require.Equal(t, want.Tokens, got.Tokens)
			answers := answersOf(with.Tokenizer, want)
			for j := range answers {
				answers[j] = strings.TrimPrefix(answers[j], "\n")
			}
			require.Equal(t, answers, answersOf(with.Tokenizer, got), "%s %d", name, i)
		}
	}
	_, err = Open(t.Context(), "testdata/chat.jsonl", tinyEncoder(t, "qwen2", "{% for m in messages %}{{ m.content if loop.last else '-' }}{% endfor %}"), WithAssistantOnly())
	require.True(t, errors.Is(err, errRewritten), err)
	require.ErrorContains(t, err, "line 1: messages[1]")
}

func TestOverlap(t *testing.T) {
	for _, c := range []struct {
		upTo, text string
		want       int
	}{{"abc", "bcd", 2}, {"", "a", 0}, {"a", "", 0}, {"aaab", "aab", 3}, {"abab", "ababab", 4}, {"xab", "abc", 2}, {"abcabd", "abcabdabc", 6}, {"x", "y", 0}} {
		require.Equal(t, c.want, overlap(c.upTo, c.text), c)
	}
	long := strings.Repeat("ab", 1<<19) // quadratic time would be noticed
	require.Equal(t, 1<<20, overlap("c"+long, long+"c"))
}

func ExampleOpen() {
	tok, err := tokenizer.Load("../../tokenizer/testdata/smollm.json")
	if err != nil {
		panic(err)
	}
	chats, err := templates.Named("chatml")
	if err != nil {
		panic(err)
	}
	set, err := templates.NewSet(map[string]string{templates.DefaultName: ""})
	if err != nil {
		panic(err)
	}
	e := &Encoder{Tokenizer: tok, Templates: set.With(templates.DefaultName, chats), EOS: -1}
	f, err := Open(context.Background(), "testdata/chat.jsonl", e, WithAssistantOnly())
	if err != nil {
		panic(err)
	}
	defer f.Close()
	fmt.Println(f.Format(), f.Len())
	// Output: chat 8
}
