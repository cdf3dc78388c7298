package tokenizer_test

import (
	"fmt"
	"log"

	"forge.lthn.ai/core/go-mlx/tokenizer"
)

func ExampleLoad() {
	tok, err := tokenizer.Load("testdata/llama3.json")
	if err != nil {
		log.Fatal(err)
	}
	ids, err := tok.Encode("Hello, world!")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tok.Decode(ids))
	fmt.Println(tok.Decode(ids, tokenizer.SkipSpecialTokens()))
	// Output:
	// <|start|>Hello, world!
	// Hello, world!
}

// A character of several tokens appears when its last byte has come.
func ExampleDecoder() {
	tok, err := tokenizer.Load("testdata/smollm.json")
	if err != nil {
		log.Fatal(err)
	}
	ids, err := tok.Encode("é!")
	if err != nil {
		log.Fatal(err)
	}
	d := tok.NewDecoder()
	for _, id := range ids {
		token, _ := tok.Token(id)
		fmt.Printf("%s %q\n", token, d.Next(id))
	}
	// Output:
	// Ã ""
	// © "é"
	// ! "!"
}

// A user's text cannot end a turn.
func ExampleWithSpecialTokensAsText() {
	tok, err := tokenizer.Load("testdata/smollm.json")
	if err != nil {
		log.Fatal(err)
	}
	for _, opts := range [][]tokenizer.EncodeOption{nil, {tokenizer.WithSpecialTokensAsText()}} {
		ids, err := tok.Encode("<|end|>", opts...)
		if err != nil {
			log.Fatal(err)
		}
		var pieces []string
		for _, id := range ids {
			pieces = append(pieces, tok.Decode([]int32{id}))
		}
		fmt.Printf("%q\n", pieces)
	}
	// Output:
	// ["<|end|>"]
	// ["<" "|" "en" "d" "|" ">"]
}
