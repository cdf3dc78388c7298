// Package peer runs the reference, Python's tokenizers, beside the package under
// test.
package peer

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Peer is a Python process with one tokenizer.
type Peer struct {
	Loaded time.Duration // how long loading the tokenizer took
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
}

// Reply is what the reference makes of one text. Offsets count characters.
type Reply struct {
	IDs, Starts, Ends []int32
	Text              string // decoded, with special tokens
	Plain             string // without
}

// Start runs script, testdata/peer.py, for a tokenizer.json.
func Start(ctx context.Context, python, script, tokenizer string, parallel bool) (*Peer, error) {
	cmd := exec.CommandContext(ctx, python, script, tokenizer)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), fmt.Sprintf("TOKENIZERS_PARALLELISM=%t", parallel))
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("peer: %w", err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("peer: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("peer: %w", err)
	}
	p := &Peer{cmd: cmd, in: in, out: bufio.NewReaderSize(out, 1<<20)}
	p.Loaded, err = p.duration()
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close ends the process.
func (p *Peer) Close() error {
	err := p.in.Close()
	return errors.Join(err, p.cmd.Wait())
}

// send writes a command.
func (p *Peer) send(command byte, texts []string) error {
	buf := binary.LittleEndian.AppendUint32([]byte{command}, uint32(len(texts)))
	for _, t := range texts {
		buf = binary.LittleEndian.AppendUint32(buf, uint32(len(t)))
		buf = append(buf, t...)
	}
	if _, err := p.in.Write(buf); err != nil {
		return fmt.Errorf("peer: %w", err)
	}
	return nil
}

// Time returns how long encoding the texts, one by one, takes.
func (p *Peer) Time(texts []string) (time.Duration, error) {
	if err := p.send('T', texts); err != nil {
		return 0, err
	}
	return p.duration()
}

func (p *Peer) duration() (time.Duration, error) {
	var ns int64
	if err := binary.Read(p.out, binary.LittleEndian, &ns); err != nil {
		return 0, fmt.Errorf("peer: %w", err)
	}
	return time.Duration(ns), nil
}

// Encode returns what the reference makes of the texts, which must be valid UTF-8.
func (p *Peer) Encode(texts []string) ([]Reply, error) {
	if err := p.send('E', texts); err != nil {
		return nil, err
	}
	out := make([]Reply, len(texts))
	r := reader{r: p.out}
	for i := range out {
		n := r.number()
		out[i] = Reply{r.numbers(n), r.numbers(n), r.numbers(n), r.text(), r.text()}
	}
	if r.err != nil {
		return nil, fmt.Errorf("peer: %w", r.err)
	}
	return out, nil
}

// reader reads frames; the first error stays.
type reader struct {
	r   io.Reader
	buf []byte
	err error
}

func (r *reader) bytes(n int) []byte {
	if cap(r.buf) < n {
		r.buf = make([]byte, 2*n)
	}
	b := r.buf[:n]
	if r.err == nil {
		_, r.err = io.ReadFull(r.r, b)
	}
	if r.err != nil {
		clear(b)
	}
	return b
}

func (r *reader) number() int { return int(int32(binary.LittleEndian.Uint32(r.bytes(4)))) }

func (r *reader) numbers(n int) []int32 {
	b, out := r.bytes(4*n), make([]int32, n)
	for i := range out {
		out[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

func (r *reader) text() string { return string(r.bytes(r.number())) }
