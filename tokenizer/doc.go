// Package tokenizer turns text into token ids and back, equal to Hugging Face's
// tokenizers. It is pure Go and knows nothing of MLX.
//
// A tokenizer is read from a tokenizer.json with [Load], or from the metadata of
// a GGUF file with [FromGGUF]:
//
//	tok, err := tokenizer.Load("model/tokenizer.json")
//	if err != nil {
//		return err
//	}
//	ids, err := tok.Encode("Hello, world!")
//	text := tok.Decode(ids)
//
// Text goes through the stages of the reference: added tokens are cut out, the
// rest is normalized, split into pieces and given to the model (BPE, Unigram,
// WordPiece or WordLevel), and the post-processor adds the special tokens. What
// this package does not know, it refuses by name: a component that is skipped in
// silence gives ids that are almost right.
//
// [Tokenizer.AppendEncode] is for speed, [Tokenizer.EncodeFull] gives offsets and
// masks too. Offsets count bytes of the text as it was given.
package tokenizer
