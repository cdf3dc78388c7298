package tokenizer

import "slices"

// Roles are the ids of tokens with a part to play in a chat. An id is -1 where no token plays the part.
type Roles struct {
	BOS     int32 // begins a text
	EOS     int32 // ends a text
	Pad     int32 // fills up a batch
	Unknown int32 // stands for what the vocabulary has no token for
	// Ends are all tokens that end an answer: the end of a text and of a turn.
	Ends []int32
}

// Roles returns the ids of tokens with a part to play in a chat. A GGUF file names them. A tokenizer.json does not: there
// they are what the post-processor writes, and tokens with the names that the large model families give them.
func (t *Tokenizer) Roles() Roles {
	r := t.roles
	r.Ends = slices.Clone(r.Ends)
	return r
}

// Names that tokenizers give to tokens, the likelier first.
var (
	bosNames = []string{"<|begin_of_text|>", "<bos>", "<s>", "<|startoftext|>", "<｜begin▁of▁sentence｜>", "[CLS]"}
	eosNames = []string{
		"<|end_of_text|>", "<eos>", "</s>", "<|endoftext|>", "<｜end▁of▁sentence｜>", "<|im_end|>", "[SEP]",
	}
	padNames     = []string{"<pad>", "<|finetune_right_pad_id|>", "[PAD]", "<｜▁pad▁｜>", "<|endoftext|>"}
	unknownNames = []string{"<unk>", "[UNK]"}
	turnNames    = []string{
		"<|eot_id|>", "<|im_end|>", "<end_of_turn>", "<turn|>", "<|end|>", "<|eom_id|>", "<|return|>", "<|call|>", "<|eot|>",
		"<|END_OF_TURN_TOKEN|>", "<|endofturn|>",
	}
)

// guessRoles finds the tokens by their names, among the added ones.
func (t *Tokenizer) guessRoles() Roles {
	find := func(names []string) int32 {
		for _, name := range names {
			if i, ok := t.added.byText[name]; ok {
				return t.added.tokens[i].id
			}
		}
		return -1
	}
	r := Roles{BOS: find(bosNames), EOS: find(eosNames), Pad: find(padNames), Unknown: find(unknownNames)}
	if len(t.before) == 1 {
		r.BOS = t.before[0]
	}
	if len(t.after) == 1 {
		r.EOS = t.after[0]
	}
	if t.pad != nil {
		r.Pad = t.pad.id
	}
	r.Ends = t.ends(r.EOS)
	return r
}

// ends lists the ids that end an answer.
func (t *Tokenizer) ends(known ...int32) []int32 {
	var out []int32
	for _, id := range known {
		if id >= 0 && !slices.Contains(out, id) {
			out = append(out, id)
		}
	}
	_, harmony := t.added.byText["<|return|>"]
	for _, name := range append(turnNames, "<|endoftext|>", "<|end_of_text|>") {
		if harmony && name == "<|end|>" {
			continue // ends a message of gpt-oss, of which an answer has several
		}
		if i, ok := t.added.byText[name]; ok && !slices.Contains(out, t.added.tokens[i].id) {
			out = append(out, t.added.tokens[i].id)
		}
	}
	return out
}
