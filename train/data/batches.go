package data

import "fmt"

// Batches makes a Source of a Set. Every pass takes the rows in another order, that
// the seed and the number of the pass tell; rows of about the same length stand
// together, so that little is padding.
type Batches struct {
	set Set
	batchConfig
	at   Position
	pass *pass // number at.Epoch; nil before it is needed
}

// NewBatches makes the batches of a set, in which must be enough for one.
func NewBatches(set Set, opts ...BatchOption) (*Batches, error) {
	b := &Batches{set: set, batchConfig: batchConfig{size: 4, length: 2048, world: 1}}
	for _, o := range opts {
		o(&b.batchConfig)
	}
	if err := b.check(); err != nil {
		return nil, err
	}
	if err := b.plan(); err != nil {
		return nil, err
	}
	return b, nil
}

// plan makes the order of the pass, if it is not there.
func (b *Batches) plan() error {
	if b.pass != nil {
		return nil
	}
	p := b.newPass(b.set, b.at.Epoch)
	if n := p.count(); len(p.order) == 0 && b.packed && n > 0 {
		return fmt.Errorf("data: the %d rows that are left to train on fit into %d of up to %d tokens: too few for a batch of %d",
			len(b.trained(b.set)), n, b.length, b.size)
	}
	if len(p.order) == 0 {
		return fmt.Errorf("data: %d of %d rows are left to train on: too few for a batch of %d", len(b.trained(b.set)), b.set.Len(), b.size)
	}
	b.pass = p
	return nil
}

// Len is the number of batches of the pass that goes on.
func (b *Batches) Len() int {
	if b.plan() != nil {
		return 0
	}
	return len(b.pass.order)
}

// Position implements Source.
func (b *Batches) Position() Position { return b.at }

// Seek implements Source.
func (b *Batches) Seek(to Position) error {
	if to.Epoch < 0 || to.Batch < 0 {
		return fmt.Errorf("data: there is no position %+v", to)
	}
	was, pass := b.at, b.pass
	if to.Epoch != was.Epoch {
		b.pass = nil
	}
	b.at = to
	err := b.plan()
	if err == nil && to.Batch >= len(b.pass.order) {
		err = fmt.Errorf("data: there is no position %+v: pass %d has %d batches", to, to.Epoch, len(b.pass.order))
	}
	if err != nil {
		b.at, b.pass = was, pass
	}
	return err
}

// Next implements Source.
func (b *Batches) Next() (*Batch, error) {
	if err := b.plan(); err != nil {
		return nil, err
	}
	batch, err := b.read(b.mine(int(b.pass.order[b.at.Batch])))
	if err != nil {
		return nil, err
	}
	if b.at.Batch++; b.at.Batch == len(b.pass.order) {
		b.at, b.pass = Position{Epoch: b.at.Epoch + 1}, nil
	}
	return batch, nil
}

// mine are the lanes of a batch that are this process's.
func (b *Batches) mine(batch int) [][]int32 {
	var lanes [][]int32
	end := min((batch+1)*b.size, b.pass.count())
	for i := batch*b.size + b.rank; i < end; i += b.world {
		lanes = append(lanes, b.pass.lane(i))
	}
	return lanes
}

// read makes a batch of lanes.
func (b *Batches) read(lanes [][]int32) (*Batch, error) {
	lane := make([][]*Example, len(lanes))
	longest := 0
	for i, rows := range lanes {
		tokens := 0
		for _, row := range rows {
			ex, err := b.set.Example(int(row))
			if err != nil {
				return nil, err
			}
			lane[i] = append(lane[i], ex)
			tokens += min(len(ex.Tokens), b.length)
		}
		longest = max(longest, tokens)
	}
	batch := newBatch(len(lanes), b.width(longest), b.packed)
	for i, examples := range lane {
		batch.fill(i, examples, b.mlxlm)
	}
	return batch, nil
}

// width is L for the longest lane of a batch.
func (c *batchConfig) width(tokens int) int {
	if !c.mlxlm {
		tokens-- // the last is predicted only
	}
	return min((tokens+lengthStep-1)/lengthStep*lengthStep, c.length-1)
}

func newBatch(rows, length int, packed bool) *Batch {
	b := &Batch{B: rows, L: length, Tokens: make([]int32, rows*(length+1)), Trained: make([]bool, rows*length), Lengths: make([]int, rows)}
	if packed {
		b.Segments = make([]int32, rows*length)
	}
	return b
}

// fill writes the examples of a lane into row i. With behind, the prediction behind
// the last token counts too, where there is one.
func (b *Batch) fill(i int, examples []*Example, behind bool) {
	tokens, trained := b.Tokens[i*(b.L+1):(i+1)*(b.L+1)], b.Trained[i*b.L:(i+1)*b.L]
	at := 0
	for n, ex := range examples {
		first := newRow(ex, 0).Trained
		length := copy(tokens[at:], ex.Tokens)
		for j := first; j < length; j++ {
			trained[at+j-1] = ex.Trained == nil || ex.Trained[j]
		}
		if at += length; behind && at <= b.L && length >= first {
			trained[at-1] = true
		}
		if b.Segments != nil {
			segment := b.Segments[i*b.L+at-length : i*b.L+min(at, b.L)]
			for j := range segment {
				segment[j] = int32(n + 1)
			}
		}
	}
	b.Lengths[i] = min(at, b.L)
}
