package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ranges say how a large file comes in pieces, several at once.
type ranges struct {
	most int   // at once
	size int64 // of one
	from int64 // files that lack less come whole
}

var defaultRanges = ranges{most: 4, size: 8 << 20, from: 64 << 20}

// piece is one range of a blob, or why it did not come.
type piece struct {
	data []byte
	err  error
}

// ahead gets ranges of a large blob at once and writes them in their order, so that
// what is in the file is always a beginning. What it does not get is left to do.
func (c *Client) ahead(ctx context.Context, p *partial) error {
	if c.ranges.most < 2 || p.Size-p.n < c.ranges.from {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	for arrived := range c.pieces(ctx, p.blob, p.n) {
		piece := <-arrived
		if piece.err != nil {
			return piece.err
		}
		if _, err := p.Write(piece.data); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// pieces asks for the ranges from a byte on. Each arrives on a channel of its own.
func (c *Client) pieces(ctx context.Context, b blob, from int64) <-chan chan piece {
	queue := make(chan chan piece, c.ranges.most-2) // one is written, one waits to get in
	go func() {
		defer close(queue)
		for ; from < b.Size; from += c.ranges.size {
			arrived := make(chan piece, 1)
			go func(from, to int64) {
				data, err := c.getRange(ctx, b, from, to)
				arrived <- piece{data, err}
			}(from, min(from+c.ranges.size, b.Size))
			select {
			case queue <- arrived:
			case <-ctx.Done():
				return
			}
		}
	}()
	return queue
}

// getRange gets bytes [from, to).
func (c *Client) getRange(ctx context.Context, b blob, from, to int64) (data []byte, err error) {
	err = c.retry(ctx, func() error {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		r, err := c.do(ctx, http.MethodGet, b.address, http.Header{"Range": {fmt.Sprintf("bytes=%d-%d", from, to-1)}})
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if err := c.statusError(r); err != nil {
			return err
		}
		if r.StatusCode != http.StatusPartialContent || !isRange(r, from, to-1, b.Size) {
			return final("the server does not send ranges")
		}
		watch := time.AfterFunc(c.stall, func() { cancel(errStalled) })
		defer watch.Stop()
		data = make([]byte, to-from)
		_, err = io.ReadFull(&watched{r.Body, watch, c.stall}, data)
		if errors.Is(context.Cause(ctx), errStalled) {
			return errStalled
		}
		return err
	})
	return data, err
}
