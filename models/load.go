package models

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"forge.lthn.ai/core/go-mlx/models/nn"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/templates"
)

// checkpoint is a model on disk: what it is, its weights and its text.
type checkpoint struct {
	name    string
	config  []byte // config.json
	dtype   mlx.Dtype
	weights interface {
		nn.Weights
		Close() error
	}
	text    text
	late    func() (text, error) // reads text where that takes its time; nil when it is there
	own     bool                 // the weights have the names of the architecture's fields
	adapter *Adapter             // on top; may be nil
	license string               // and size are what a GGUF file says of them
	size    string
}

// named shows the weights under the names of arch's fields.
func (ck *checkpoint) named(arch architecture) nn.Weights {
	if a, ok := arch.(sanitizer); ok && !ck.own {
		return a.sanitize(ck.weights)
	}
	return ck.weights
}

// Close closes the files.
func (ck *checkpoint) Close() error {
	if ck.adapter != nil {
		return errors.Join(ck.weights.Close(), ck.adapter.Close())
	}
	return ck.weights.Close()
}

// Load loads the model at path: a folder as Hugging Face has them (config.json,
// safetensors, tokenizer.json) or a GGUF file. What is no path and has the form of
// [hub.Ref], such as org/name, org/name@revision or org/name:Q4_K_M, is taken from
// the cache of the Hugging Face Hub, and downloaded only when it is not there.
// Everything is checked before weights are read, but for the vocabulary of a GGUF
// file, which is read meanwhile, and an error names the file and the field. Close the
// model when it is no longer needed.
func Load(ctx context.Context, path string, opts ...Option) (*Model, error) {
	m, err := load(ctx, path, newLoadConfig(opts))
	if err != nil {
		return nil, fmt.Errorf("models: load %s: %w", path, err)
	}
	return m, nil
}

func load(ctx context.Context, path string, c *loadConfig) (*Model, error) {
	path, err := c.find(ctx, path)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	started := c.startWorker(ctx)
	defer func() {
		cancel()
		<-started
	}()
	ck, err := openLate(path)
	if err != nil {
		return nil, err
	}
	wait := ck.startText(cancel)
	m, err := loadOpened(ctx, ck, c)
	if bad := wait(); bad != nil { // which has ended the rest
		if err == nil {
			bad = errors.Join(bad, m.Close())
		}
		return nil, bad
	}
	if err != nil {
		return nil, err
	}
	m.setText(ck.text, c)
	return m, nil
}

// startWorker starts the worker's thread, which loads the libraries, while the file is
// opened. If that fails, it fails again where the thread is needed.
func (c *loadConfig) startWorker(ctx context.Context) (started <-chan struct{}) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = c.worker.Do(ctx, func(*mlx.Thread) error { return nil })
	}()
	return done
}

// setText gives the model its text, with the chat template that was asked for.
func (m *Model) setText(x text, c *loadConfig) {
	if c.template != nil {
		x.templates = x.templates.With(templates.DefaultName, c.template)
	}
	m.text = x
}

// startText begins to read the text that is late, and calls stop if it is bad. wait
// waits for it.
func (ck *checkpoint) startText(stop func()) (wait func() error) {
	if ck.late == nil {
		settle()
		return func() error { return nil }
	}
	read := make(chan error, 1)
	go func() {
		x, err := ck.late()
		if err != nil {
			stop()
		}
		settle()
		ck.text = x
		read <- err
	}()
	return func() error { return <-read }
}

// loadOpened loads what was opened, but for its text.
func loadOpened(ctx context.Context, ck *checkpoint, c *loadConfig) (*Model, error) {
	arch, err := newArchitecture(ck.config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", ck.name, err), ck.weights.Close())
	}
	if c.adapter != "" {
		if ck.adapter, err = openAdapter(c.adapter); err != nil {
			return nil, errors.Join(fmt.Errorf("adapter: %w", err), ck.weights.Close())
		}
	}
	return loadCheckpoint(ctx, ck, arch, c)
}

// loadCheckpoint fills arch with the weights of ck, which it closes.
func loadCheckpoint(ctx context.Context, ck *checkpoint, arch architecture, c *loadConfig) (_ *Model, err error) {
	m := &Model{arch: arch, worker: c.worker}
	if m.size, err = sizeOf(arch); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", ck.name, err), ck.Close())
	}
	err = m.worker.Do(ctx, func(t *mlx.Thread) error { return m.fill(ctx, t, ck, c) })
	if err = errors.Join(err, ck.Close()); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// open finds out what path is and opens it.
func open(path string) (*checkpoint, error) {
	ck, err := openLate(path)
	if err != nil || ck.late == nil {
		return ck, err
	}
	if ck.text, err = ck.late(); err != nil {
		return nil, errors.Join(err, ck.weights.Close())
	}
	return ck, nil
}

// openLate is open without the text of a GGUF file, which is late.
func openLate(path string) (*checkpoint, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return openFolder(path)
	}
	if strings.EqualFold(filepath.Ext(path), ".gguf") {
		return openGGUF(path)
	}
	return nil, fmt.Errorf("neither a folder nor a .gguf file")
}

// fill reads the weights, on the thread.
func (m *Model) fill(ctx context.Context, t *mlx.Thread, ck *checkpoint, c *loadConfig) error {
	m.owner = t.NewOwner("weights of " + ck.name)
	policy, err := c.policy(t, ck)
	if err != nil {
		return err
	}
	m.policy = policy
	weights := ck.adapter.over(ck.named(m.arch))
	done, total := 0, len(weights.Names())
	report := nn.WithProgress(func(layer string) {
		done += strings.Count(layer, ",") + 1
		c.progress(min(done, total), total, layer)
	})
	if err := nn.Load(ctx, t, m.arch, weights, policy, m.owner, append(ck.adapter.options(), report)...); err != nil {
		if ck.adapter != nil {
			err = fmt.Errorf("with adapter %s: %w", ck.adapter.Config, err)
		}
		return fmt.Errorf("%s: %w", ck.name, err)
	}
	c.progress(total, total, "")
	if !c.train {
		nn.Freeze(m.arch)
	}
	if err := m.prepare(t); err != nil {
		return err
	}
	return t.ClearCache()
}

// policy decides the form of the weights by the device, the options and the
// memory.
func (c *loadConfig) policy(t *mlx.Thread, ck *checkpoint) (nn.Policy, error) {
	device, err := t.Device()
	if err != nil {
		return nn.Policy{}, err
	}
	onCPU := device.Type == mlx.CPU
	p := nn.Policy{Dtype: ck.dtype, Trainable: c.train}
	if onCPU {
		p.Dtype = mlx.Float32
	}
	if c.dtype != nil {
		p.Dtype = *c.dtype
	}
	switch p.Dtype {
	case mlx.Float32, mlx.Float16, mlx.BFloat16:
	default:
		return p, fmt.Errorf("dtype %v is none of float32, float16 and bfloat16", p.Dtype)
	}
	switch c.form {
	case Dense:
		p.Unpack = true
	case Packed:
	case Auto:
		p.Unpack = onCPU && (c.train || !t.CPUKernels()) && denseBytes(ck.weights) < freeMemory()/2
	default:
		return p, fmt.Errorf("weights %q is none of auto, packed and dense", c.form)
	}
	p.Kernels = t.CPUKernels() && c.form != Dense && !c.train && p.Dtype == mlx.Float32
	p.Rounded = t.CPUKernels() && !c.exact && !c.train && !mlx.ExactCPUKernels()
	if w, ok := ck.weights.(*ggufWeights); ok {
		w.fine = p.Kernels
	}
	return p, nil
}

// denseBytes is what the weights take as float32.
func denseBytes(w nn.Weights) uint64 {
	var total uint64
	for _, name := range w.Names() {
		if t := w.Tensor(name); t != nil {
			n := uint64(4)
			for _, d := range t.Shape() {
				n *= uint64(d)
			}
			total += n
		}
	}
	return total
}
