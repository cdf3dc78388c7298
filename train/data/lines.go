package data

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// maxLine is the longest line that is read, in bytes.
const maxLine = 64 << 20

// line is a line of a file and where it is.
type line struct {
	text   []byte // without the space around it
	offset int64  // of text in the file
	number int    // from 1
}

// lines reads the lines of a file that are not blank.
type lines struct {
	r      *bufio.Reader
	offset int64
	number int
}

func newLines(r io.Reader) *lines { return &lines{r: bufio.NewReaderSize(r, 1<<20)} }

var (
	bom        = []byte("\xef\xbb\xbf")
	errTooLong = fmt.Errorf("longer than %d MiB", maxLine>>20)
)

// next returns a line that stays valid, with the error errTooLong without its
// text; io.EOF comes after the last.
func (l *lines) next() (line, error) {
	for {
		at := line{offset: l.offset, number: l.number + 1}
		text, err := l.read()
		if errors.Is(err, errTooLong) {
			return at, err
		}
		if err != nil && (!errors.Is(err, io.EOF) || len(text) == 0) {
			return at, err
		}
		if at.number == 1 && bytes.HasPrefix(text, bom) {
			text, at.offset = text[len(bom):], int64(len(bom))
		}
		trimmed := bytes.TrimLeft(text, " \t\r\n")
		at.offset += int64(len(text) - len(trimmed))
		if at.text = bytes.TrimRight(trimmed, " \t\r\n"); len(at.text) > 0 {
			return at, nil
		}
	}
}

// read returns the bytes up to the end of a line. Of one that is too long it keeps
// nothing.
func (l *lines) read() (text []byte, err error) {
	l.number++
	long := false
	for {
		part, err := l.r.ReadSlice('\n')
		l.offset += int64(len(part))
		if long = long || len(text)+len(part) > maxLine; long {
			text = nil
		} else {
			text = append(text, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
		case long && (err == nil || errors.Is(err, io.EOF)):
			return nil, errTooLong
		default:
			return text, err
		}
	}
}
