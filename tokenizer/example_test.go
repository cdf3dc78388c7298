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

// Offsets are bytes of the text. A token of a part of a character stands for all of
// it.
func ExampleTokenizer_EncodeFull() {
	tok, err := tokenizer.Load("testdata/llama3.json")
	if err != nil {
		log.Fatal(err)
	}
	const text = "größere Äpfel"
	e, err := tok.EncodeFull(text, tokenizer.WithoutSpecialTokens())
	if err != nil {
		log.Fatal(err)
	}
	for i, at := range e.Offsets {
		fmt.Printf("%d %v %q word %d\n", e.IDs[i], at, text[at.Start:at.End], e.Words[i])
	}
	// Output:
	// 400 {0 2} "gr" word 0
	// 447 {2 6} "öß" word 0
	// 504 {4 8} "ßer" word 0
	// 68 {8 9} "e" word 0
	// 327 {10 12} "Ä" word 1
	// 491 {10 16} "Äpfel" word 1
}

func ExampleTokenizer_EncodePair() {
	tok, err := tokenizer.Load("testdata/llama3.json")
	if err != nil {
		log.Fatal(err)
	}
	e, err := tok.EncodePair("the dog", "the fox")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(tok.Decode(e.IDs))
	fmt.Println(e.TypeIDs)
	fmt.Println(e.SpecialMask)
	// Output:
	// <|start|>the dog<|start|>the fox
	// [0 0 0 0 1 1 1]
	// [1 0 0 0 1 0 0]
}

// A slice that is used again makes encoding free of allocations.
func ExampleTokenizer_AppendEncode() {
	tok, err := tokenizer.Load("testdata/smollm.json")
	if err != nil {
		log.Fatal(err)
	}
	var ids []int32
	for _, line := range []string{"the quick fox", "the dog"} {
		if ids, err = tok.AppendEncode(ids[:0], line); err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(ids), tok.Decode(ids))
	}
	// Output:
	// 4 the quick fox
	// 3 the dog
}

func ExampleTokenizer_Roles() {
	tok, err := tokenizer.Load("testdata/llama3.json")
	if err != nil {
		log.Fatal(err)
	}
	begin, _ := tok.Token(tok.Roles().BOS)
	end, _ := tok.Token(tok.Roles().Ends[0])
	fmt.Println(begin, end)
	// Output:
	// <|start|> <|end|>
}

func ExampleTokenizer_Count() {
	tok, err := tokenizer.Load("testdata/llama3.json")
	if err != nil {
		log.Fatal(err)
	}
	n, err := tok.Count("the quick fox")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(n)
	// Output:
	// 5
}

func ExampleTokenizer_ID() {
	tok, err := tokenizer.Load("testdata/smollm.json")
	if err != nil {
		log.Fatal(err)
	}
	id, ok := tok.ID("<|end|>")
	fmt.Println(ok, tok.IsSpecial(id))
	_, ok = tok.ID("nowhere")
	fmt.Println(ok)
	// Output:
	// true true
	// false
}
