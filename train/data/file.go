package data

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"
)

// File is a Set of a JSONL file, of which only the places and lengths of the rows
// are held: 24 bytes each. Rows are read, and encoded, when they are asked for. It
// is safe for concurrent use.
type File struct {
	f       *os.File
	encoder *Encoder
	config
	format  Format
	rows    []place
	skipped int
	first   error // why the first line was skipped
}

// place is where a row is, and what is known of it.
type place struct {
	offset                      int64
	size, tokens, trained, keys int32
}

// Open reads a file of rows once and remembers where they are; the caller closes
// it. The first row tells the format of all. A row that is no JSON, or does not
// have the format's members, or that the template refuses, is an error that names
// file, line and member, unless WithSkipBad. So is a file without rows.
func Open(ctx context.Context, path string, e *Encoder, opts ...Option) (*File, error) {
	d := &File{encoder: e, config: config{progress: func(int64, int64) {}}}
	for _, o := range opts {
		o(&d.config)
	}
	d.keys = d.keys.withDefaults()
	var err error
	if d.f, err = os.Open(path); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	if err = d.index(ctx); err == nil && len(d.rows) == 0 {
		err = d.empty()
	}
	if err != nil {
		d.f.Close()
		return nil, err
	}
	return d, nil
}

func (d *File) empty() error {
	if d.skipped > 0 {
		return fmt.Errorf("data: %s: all of its %d lines are malformed; the first: %w", d.f.Name(), d.skipped, d.first)
	}
	return fmt.Errorf("data: %s: the file has no rows", d.f.Name())
}

// Close closes the file.
func (d *File) Close() error { return d.f.Close() }

// Format is what the rows are.
func (d *File) Format() Format { return d.format }

// Skipped is how many lines WithSkipBad left out, and what was wrong with the first.
func (d *File) Skipped() (int, error) { return d.skipped, d.first }

// Len implements Set.
func (d *File) Len() int { return len(d.rows) }

// Row implements Set.
func (d *File) Row(i int) Row {
	p := &d.rows[i]
	return Row{Tokens: int(p.tokens), Trained: int(p.trained), Keys: int(p.keys)}
}

// Example implements Set: it reads and encodes the row i. A file that has changed
// since Open is an error.
func (d *File) Example(i int) (*Example, error) {
	p := &d.rows[i]
	text := make([]byte, p.size)
	if _, err := d.f.ReadAt(text, p.offset); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("data: %s: row %d: %w", d.f.Name(), i+1, err)
	}
	ex, got, err := d.parse(text)
	if err != nil || got != d.Row(i) {
		return nil, errors.Join(fmt.Errorf("data: %s: row %d is not what it was when the file was opened", d.f.Name(), i+1), err)
	}
	return ex, nil
}

// parse makes an example of a line.
func (d *File) parse(text []byte) (*Example, Row, error) {
	r, err := parseRow(text)
	if err != nil {
		return nil, Row{}, err
	}
	ex, err := d.encode(r)
	if err == nil && len(ex.Tokens) < 2 {
		err = errors.New("fewer than two tokens: there is nothing to predict")
	}
	if err != nil {
		return nil, Row{}, err
	}
	return ex, newRow(ex, len(r)), nil
}

func (d *File) encode(r row) (*Example, error) {
	if d.format == Text {
		text, err := r.text(d.keys.Text)
		if err != nil {
			return nil, err
		}
		return d.encoder.text(text)
	}
	c, err := r.conversation(d.format, d.keys)
	if err != nil {
		return nil, err
	}
	return d.encoder.conversation(c, d.mask)
}

// Lines are read and encoded in lots.
const (
	lotLines = 1024
	lotBytes = 4 << 20
)

// index goes through the file.
func (d *File) index(ctx context.Context) error {
	stat, err := d.f.Stat()
	if err != nil {
		return fmt.Errorf("data: %w", err)
	}
	if !stat.Mode().IsRegular() {
		return fmt.Errorf("data: %s: not a regular file", d.f.Name())
	}
	from := newLines(d.f)
	for more := true; more; {
		lot, err := d.readLot(from)
		if more = err == nil; err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("data: %s: %w", d.f.Name(), err)
		}
		if err := d.addLot(ctx, lot); err != nil {
			return err
		}
		d.progress(from.offset, stat.Size())
	}
	return nil
}

// parsed is a line and what became of it.
type parsed struct {
	line
	row Row
	err error
}

// readLot reads some lines, and io.EOF with the last.
func (d *File) readLot(from *lines) (lot []parsed, err error) {
	for size := 0; len(lot) < lotLines && size < lotBytes; {
		l, err := from.next()
		if err != nil && !errors.Is(err, errTooLong) {
			return lot, err
		}
		lot = append(lot, parsed{line: l, err: err})
		size += len(l.text)
	}
	return lot, nil
}

// addLot encodes lines side by side and adds them in their order.
func (d *File) addLot(ctx context.Context, lot []parsed) error {
	for i := range lot { // the first good line tells the format
		if d.format == "" && lot[i].err == nil {
			lot[i].err = d.detect(lot[i].text)
		}
	}
	if d.format == Text && d.mask != maskNothing {
		return fmt.Errorf("data: %s: the rows are texts, in which no prompt can be masked", d.f.Name())
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range lot {
		if p := &lot[i]; p.err == nil {
			g.Go(func() error {
				_, p.row, p.err = d.parse(p.text)
				return ctx.Err()
			})
		}
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("data: %s: %w", d.f.Name(), err)
	}
	for i := range lot {
		if err := d.add(&lot[i]); err != nil {
			return err
		}
	}
	return nil
}

// detect takes the format of all rows from the first.
func (d *File) detect(text []byte) error {
	r, err := parseRow(text)
	if err != nil {
		return err
	}
	d.format, err = d.keys.format(r)
	return err
}

// add remembers where a line is, or that it is bad.
func (d *File) add(p *parsed) error {
	if p.err == nil {
		d.rows = append(d.rows, place{p.offset, int32(len(p.text)), int32(p.row.Tokens), int32(p.row.Trained), int32(p.row.Keys)})
		return nil
	}
	err := fmt.Errorf("data: %s: line %d: %w", d.f.Name(), p.number, p.err)
	if !d.skip {
		return err
	}
	if d.skipped++; d.first == nil {
		d.first = err
	}
	return nil
}
