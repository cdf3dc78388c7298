package hub

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// errStalled ends a transfer that stands still.
var errStalled = errors.New("no byte arrived for too long")

// transfer gets the rest of a blob and checks the whole. A connection that is cut
// goes on where it was cut, and as long as bytes arrive that is no failed try.
func (c *Client) transfer(ctx context.Context, p *partial) error {
	_ = c.ahead(ctx, p) // a server without ranges sends the rest
	for try := 0; p.n < p.Size; try++ {
		before := p.n
		err := c.get(ctx, p)
		if p.n > before {
			try = 0
		}
		if err == nil && p.n < p.Size {
			err = io.ErrUnexpectedEOF
		}
		if err == nil || p.n == p.Size && passes(err) {
			break
		}
		if err := c.backoff.wait(ctx, try, err); err != nil {
			return err
		}
	}
	return p.check()
}

// get asks for what is missing, once.
func (c *Client) get(ctx context.Context, p *partial) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	header := http.Header{}
	if p.n > 0 {
		header.Set("Range", fmt.Sprintf("bytes=%d-", p.n))
	}
	r, err := c.do(ctx, http.MethodGet, p.address, header)
	if err != nil {
		return err
	}
	defer r.Body.Close()
	if err := c.accept(r, p); err != nil {
		return err
	}
	watch := time.AfterFunc(c.stall, func() { cancel(errStalled) })
	defer watch.Stop()
	_, err = io.CopyBuffer(p, &watched{r.Body, watch, c.stall}, make([]byte, 256<<10))
	if errors.Is(context.Cause(ctx), errStalled) {
		return errStalled
	}
	return err
}

// accept checks that the answer is the part that was asked for, or begins again
// where the server has only the whole.
func (c *Client) accept(r *http.Response, p *partial) error {
	switch r.StatusCode {
	case http.StatusPartialContent:
		if !isRange(r, p.n, p.Size-1, p.Size) {
			return final("the server sent the range %.80q of %d bytes", r.Header.Get("Content-Range"), p.Size)
		}
		return nil
	case http.StatusOK:
		if p.n > 0 {
			return p.restart()
		}
		return nil
	case http.StatusRequestedRangeNotSatisfiable:
		if err := p.restart(); err != nil {
			return err
		}
		return errors.New("the server refused to go on where the file ended")
	}
	if err := c.statusError(r); err != nil {
		return err
	}
	return final("HTTP %d is no file", r.StatusCode)
}

// isRange reports whether an answer is the bytes from first to last of size.
func isRange(r *http.Response, first, last, size int64) bool {
	return r.Header.Get("Content-Range") == fmt.Sprintf("bytes %d-%d/%d", first, last, size)
}

// watched tells the watch that bytes arrive.
type watched struct {
	io.Reader
	watch *time.Timer
	stall time.Duration
}

func (w *watched) Read(b []byte) (int, error) {
	n, err := w.Reader.Read(b)
	if n > 0 {
		w.watch.Reset(w.stall)
	}
	return n, err
}
