package models

import (
	"forge.lthn.ai/core/go-mlx/models/hub"
	mlx "forge.lthn.ai/core/go-mlx/runtime"
	"forge.lthn.ai/core/go-mlx/templates"
)

// WeightForm says in which form quantised weights are kept in memory.
type WeightForm string

const (
	// Auto keeps weights packed on a GPU, and on a CPU for which there are our own
	// kernels. Where there are none, or to train, it unpacks them on a CPU when
	// the dense weights fit into half of the memory that is free.
	Auto WeightForm = "auto"
	// Packed keeps quantised weights as they are.
	Packed WeightForm = "packed"
	// Dense unpacks them.
	Dense WeightForm = "dense"
)

// loadConfig is what options set.
type loadConfig struct {
	worker   *mlx.Worker
	dtype    *mlx.Dtype
	form     WeightForm
	progress func(done, total int, layer string)
	train    bool
	exact    bool
	adapter  string
	template *templates.Template
	download func(hub.Progress)
}

// newLoadConfig applies options to the defaults.
func newLoadConfig(opts []Option) *loadConfig {
	c := &loadConfig{form: Auto, progress: func(int, int, string) {}, download: func(hub.Progress) {}}
	for _, o := range opts {
		o(c)
	}
	if c.worker == nil {
		c.worker = mlx.Default()
	}
	return c
}

// Option changes how Load works.
type Option func(*loadConfig)

// WithWorker loads the model onto a Worker of the caller's, instead of the
// default one. The caller stops it, after closing the model.
func WithWorker(w *mlx.Worker) Option { return func(c *loadConfig) { c.worker = w } }

// WithDtype sets the type of activations and dense weights: Float32, Float16 or
// BFloat16. The default is the checkpoint's own on a GPU and Float32 on a CPU,
// where half precision is emulated and many times slower.
func WithDtype(d mlx.Dtype) Option { return func(c *loadConfig) { c.dtype = &d } }

// WithWeights chooses the form of quantised weights; the default is Auto.
func WithWeights(f WeightForm) Option { return func(c *loadConfig) { c.form = f } }

// WithTraining loads the weights as parameters, which can be differentiated by,
// assigned and saved: see [Model.Parameters]. Generating with them is slower.
// Quantised weights are unpacked by WithWeights(Dense), and otherwise frozen.
func WithTraining() Option { return func(c *loadConfig) { c.train = true } }

// WithExactProducts keeps activations as they are in products with packed weights.
// By default our own kernels for a CPU round them to 16 bits, which is faster: no
// number moves by more than 1/65534 of the largest of its group.
// WithTraining implies it, gradients are always exact, and GO_MLX_CPU_KERNELS=exact
// makes it the default.
func WithExactProducts() Option { return func(c *loadConfig) { c.exact = true } }

// WithAdapter loads an adapter on top of the model: a folder of mlx_lm.lora (LoRA,
// DoRA or whole weights) or of Hugging Face's PEFT (LoRA, DoRA), or a file of weights
// in it: see OpenAdapter. Its products run beside the weights, packed ones included.
// An adapter that was made for another model is an error that lists the weights that
// do not fit.
func WithAdapter(path string) Option { return func(c *loadConfig) { c.adapter = path } }

// WithChatTemplate sets the chat template, for models that come without one or
// with another; templates.Named has some.
func WithChatTemplate(t *templates.Template) Option { return func(c *loadConfig) { c.template = t } }

// WithLoadProgress calls f after each layer, with how many of the file's weights
// are done.
func WithLoadProgress(f func(done, total int, layer string)) Option {
	return func(c *loadConfig) { c.progress = f }
}

// WithDownloadProgress calls f as bytes of a model arrive from the Hugging Face Hub.
// Calls never overlap.
func WithDownloadProgress(f func(hub.Progress)) Option {
	return func(c *loadConfig) { c.download = f }
}
