// Package templates renders the chat templates that ship with language models.
//
// A chat template is a Jinja program that turns a list of messages into the
// prompt a model was trained on. The package implements the language exactly
// as transformers' apply_chat_template sets it up: blocks are trimmed, values
// follow Python's rules for arithmetic, comparison, truth and printing, and
// templates cannot change the data that they are given.
//
// Compile parses a template once. The resulting Template is immutable and may
// be rendered by many goroutines at the same time:
//
//	tmpl, err := templates.Compile(source)
//	if err != nil {
//		return err
//	}
//	prompt, err := tmpl.Render(templates.Chat{
//		Messages:            []templates.Message{{Role: "user", Content: "Hello"}},
//		AddGenerationPrompt: true,
//	})
//
// Left out, each with an error that says so, is what no prompt needs: loading
// other templates, escaping for HTML by default, bytes, sets and complex
// numbers. Unicode is that of the Go release.
//
// Templates come from outside, so each rendering runs under limits on its
// steps, its output and its depth: a hostile template ends in an error that
// wraps ErrLimit. Errors name the template line and column.
package templates
