package report

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"forge.lthn.ai/core/go-mlx/train"
)

// TensorBoard writes a run's figures as TensorBoard reads them: records of
// tensorflow.Event (tensorboard/compat/proto/event.proto), each with its length and
// the checksums of both.
type TensorBoard struct {
	file *os.File
	now  func() time.Time
}

// OpenTensorBoard begins a new file in the folder dir, which it makes. Figures past
// iteration after, of runs before, are no longer shown.
func OpenTensorBoard(dir string, after int) (*TensorBoard, error) {
	return openTensorBoard(dir, after, time.Now)
}

func openTensorBoard(dir string, after int, now func() time.Time) (*TensorBoard, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	name := fmt.Sprintf("events.out.tfevents.%d.go-mlx.%d", now().Unix(), os.Getpid())
	f, err := os.OpenFile(filepath.Join(dir, name), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, fmt.Errorf("report: %w", err)
	}
	b := &TensorBoard{f, now}
	err = b.write(0, versionField, []byte("brain.Event:2"))
	if err == nil && after > 0 {
		started := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 1) // SessionLog.status START
		err = b.write(after+1, sessionField, started)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return b, nil
}

// Fields of tensorflow.Event.
const (
	timeField    = 1
	stepField    = 2
	versionField = 3
	summaryField = 5
	sessionField = 7
)

// Observe writes the figures of e. It is for [train.WithObserver].
func (b *TensorBoard) Observe(e train.Event) error {
	switch e := e.(type) {
	case train.StepEvent:
		return b.scalars(e.Iter, []scalar{
			{"loss/train", e.Loss}, {"learning_rate", e.Rate}, {"grad_norm", e.GradNorm},
			{"tokens_per_second", e.TokensPerSecond}, {"peak_memory_bytes", float64(e.PeakMemory)}, {"padding", e.Padding},
		})
	case train.EvalEvent:
		return b.scalars(e.Iter, []scalar{{"loss/validation", e.Loss}})
	}
	return nil
}

// Close closes the file. A second Close does nothing.
func (b *TensorBoard) Close() error {
	if b.file == nil {
		return nil
	}
	err := errors.Join(b.file.Sync(), b.file.Close())
	b.file = nil
	return err
}

type scalar struct {
	tag   string
	value float64
}

// scalars writes a Summary: values of a tag and a simple_value.
func (b *TensorBoard) scalars(iter int, all []scalar) error {
	var summary []byte
	for _, s := range all {
		var v []byte
		v = protowire.AppendString(protowire.AppendTag(v, 1, protowire.BytesType), s.tag)
		v = protowire.AppendFixed32(protowire.AppendTag(v, 2, protowire.Fixed32Type), math.Float32bits(float32(s.value)))
		summary = protowire.AppendBytes(protowire.AppendTag(summary, 1, protowire.BytesType), v)
	}
	return b.write(iter, summaryField, summary)
}

// write writes an Event.
func (b *TensorBoard) write(iter int, field protowire.Number, value []byte) error {
	seconds := float64(b.now().UnixNano()) / 1e9
	e := protowire.AppendFixed64(protowire.AppendTag(nil, timeField, protowire.Fixed64Type), math.Float64bits(seconds))
	if iter != 0 {
		e = protowire.AppendVarint(protowire.AppendTag(e, stepField, protowire.VarintType), uint64(iter))
	}
	e = protowire.AppendBytes(protowire.AppendTag(e, field, protowire.BytesType), value)
	if _, err := b.file.Write(record(e)); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}

// record is data as TFRecord has it.
func record(data []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(data)))
	out = binary.LittleEndian.AppendUint32(out, masked(out))
	out = append(out, data...)
	return binary.LittleEndian.AppendUint32(out, masked(data))
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked is a checksum that is safe to be in data that is summed up itself.
func masked(data []byte) uint32 {
	sum := crc32.Checksum(data, castagnoli)
	return (sum>>15 | sum<<17) + 0xa282ead8
}
