// Package data turns JSONL files of texts, completions and conversations into
// batches of tokens. Reference: mlx_lm/tuner/datasets.py, and iterate_batches of
// mlx_lm/tuner/trainer.py.
package data

// Example is a sequence to train on.
type Example struct {
	Tokens []int32
	// Trained tells of each token whether predicting it counts in the loss; nil
	// counts all. The first token is never predicted.
	Trained []bool
}

// Batch is a step's input: B rows of L+1 tokens, of which the first L are the
// model's input and the last L what it should predict.
type Batch struct {
	B, L    int
	Tokens  []int32 // [B, L+1], zeros behind a row's end
	Trained []bool  // [B, L]: whether predicting Tokens[b, l+1] counts in the loss
	Lengths []int   // [B]: how many of a row's L inputs are no padding
	// Segments numbers, from 1, the examples that were packed into a row, 0 is
	// padding: [B, L] for the inputs; nil when each row is one example. A token sees
	// only those of its segment.
	Segments []int32
}

// Count returns how many predictions count in the loss, and how many of the B x L
// positions are padding.
func (b *Batch) Count() (trained, padding int) {
	for _, t := range b.Trained {
		if t {
			trained++
		}
	}
	padding = b.B * b.L
	for _, n := range b.Lengths {
		padding -= n
	}
	return trained, padding
}

// Position is where a run is in its data, for a checkpoint.
type Position struct {
	Epoch int `json:"epoch"` // passes that are done
	Batch int `json:"batch"` // of this pass that are done
}

// Source gives batches without end, the same ones from the same Position.
type Source interface {
	Next() (*Batch, error)
	Position() Position
	Seek(Position) error
}
