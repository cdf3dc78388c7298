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
// rest is normalized, split into pieces and merged by byte-pair encoding, and the
// post-processor adds the special tokens of the model. What this package does not
// know, it refuses by name: a component that is skipped in silence gives ids that
// are almost right.
package tokenizer
