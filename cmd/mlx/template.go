package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"forge.lthn.ai/core/go-mlx/internal/fetch"
	"forge.lthn.ai/core/go-mlx/templates"
)

type templateCmd struct {
	Model              string   `short:"m" help:"A model folder, a .gguf file, or smollm2; its weights are not read."`
	Template           string   `help:"A file with a chat template, or one of chatml, gemma, llama3, mistral, phi3."`
	Variant            string   `help:"Which of the model's templates; the default is its choice."`
	Messages           string   `help:"A JSON file with the messages, or with an object that has messages and tools; - reads standard input."`
	Tools              string   `help:"A JSON file with the tools."`
	System             string   `help:"A system message, before the others."`
	Prompt             string   `short:"p" help:"A user message, after the others."`
	Var                []string `sep:"none" placeholder:"NAME=VALUE" help:"A variable of the template; its value is JSON, or else text."`
	Thinking           string   `enum:",on,off" default:"" help:"Ask models that can think before they answer to do so (on, off)."`
	NoGenerationPrompt bool     `help:"Leave out the opening of the assistant's turn."`
	Continue           bool     `help:"End within the last message, for the model to carry on."`
	JSON               bool     `help:"Print the prompt and its spans as JSON."`
}

// Validate refuses what no template can be rendered with.
func (c *templateCmd) Validate() error {
	switch {
	case c.Model == "" && c.Template == "":
		return errors.New("missing flags: --model or --template")
	case c.Messages == "" && c.Prompt == "" && c.System == "":
		return errors.New("missing flags: --messages or --prompt")
	}
	for _, v := range c.Var {
		if name, _, ok := strings.Cut(v, "="); !ok || name == "" {
			return fmt.Errorf("--var=%s is not NAME=VALUE", v)
		}
	}
	return nil
}

// Run renders the chat and prints the prompt.
func (c *templateCmd) Run(con *console) error {
	chat, err := c.chat(con)
	if err != nil {
		return err
	}
	set, special, err := c.templates(con)
	if err != nil {
		return err
	}
	p, err := render(set, chat, special)
	if err != nil {
		return err
	}
	switch {
	case c.JSON:
		return printJSON(con.out, p)
	case fetch.IsTerminal(con.out):
		_, err = io.WriteString(con.out, p.paint(wantsColour()))
	default:
		_, err = io.WriteString(con.out, p.Prompt)
	}
	return err
}

// printJSON prints p with its tags as they are.
func printJSON(w io.Writer, p *prompt) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(p)
}

// chat is the conversation that the flags describe.
func (c *templateCmd) chat(con *console) (chat templates.Chat, err error) {
	if c.System != "" {
		chat.Messages = []templates.Message{{Role: "system", Content: c.System}}
	}
	if err := c.readMessages(con, &chat); err != nil {
		return chat, err
	}
	if c.Prompt != "" {
		chat.Messages = append(chat.Messages, templates.Message{Role: "user", Content: c.Prompt})
	}
	if c.Tools != "" {
		data, err := os.ReadFile(c.Tools)
		if err != nil {
			return chat, fmt.Errorf("reading the tools: %w", err)
		}
		if chat.Tools, err = parseObjects(data); err != nil {
			return chat, fmt.Errorf("%s: tools: %w", c.Tools, err)
		}
	}
	chat.Extra = map[string]any{}
	for _, v := range c.Var {
		name, value, _ := strings.Cut(v, "=")
		chat.Extra[name] = value
		if json.Valid([]byte(value)) {
			chat.Extra[name] = json.RawMessage(value)
		}
	}
	if c.Thinking != "" {
		chat.Thinking = new(c.Thinking == "on")
	}
	chat.Variant = c.Variant
	chat.ContinueFinalMessage = c.Continue
	chat.AddGenerationPrompt = !c.NoGenerationPrompt && !c.Continue
	return chat, nil
}

// readMessages appends those of a file: a list, or an object that has one.
func (c *templateCmd) readMessages(con *console, chat *templates.Chat) error {
	if c.Messages == "" {
		return nil
	}
	data, err := readInput(con, c.Messages)
	if err != nil {
		return fmt.Errorf("reading the messages: %w", err)
	}
	request := struct{ Messages, Tools json.RawMessage }{Messages: data}
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte("{")) {
		request.Messages = nil
		if err := json.Unmarshal(data, &request); err != nil {
			return fmt.Errorf("%s: %w", c.Messages, err)
		}
		if request.Messages == nil {
			return fmt.Errorf("%s: the object has no messages", c.Messages)
		}
	}
	list, err := templates.ParseMessages(request.Messages)
	if err != nil {
		return fmt.Errorf("%s: %w", c.Messages, err)
	}
	chat.Messages = append(chat.Messages, list...)
	if request.Tools != nil {
		if chat.Tools, err = parseObjects(request.Tools); err != nil {
			return fmt.Errorf("%s: tools: %w", c.Messages, err)
		}
	}
	return nil
}

// parseObjects splits a JSON list, the order of keys kept.
func parseObjects(data []byte) ([]any, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(data, &list); err != nil || list == nil {
		return nil, err
	}
	objects := make([]any, len(list))
	for i, x := range list {
		objects[i] = x
	}
	return objects, nil
}
