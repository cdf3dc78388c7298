// Package nn holds the layers that models are made of, how their weights get
// into them, and how they are trained: mlx.nn, with its names.
//
// A model declares its layers as fields and names their weights in tags:
//
//	type llamaMLP struct {
//		GateUp nn.Fused  `weight:"gate_proj,up_proj"`
//		Down   nn.Linear `weight:"down_proj"`
//	}
//
// Load walks such a struct and fills it. Whether a weight is dense or packed,
// fused or not, transposed or not is decided here, by the Policy and by what
// the checkpoint holds, never in a model file.
//
// # Training
//
// Init fills a model with new parameters, and Load with Policy.Trainable with
// those of a checkpoint. Then each weight is a parameter in the checkpoint's
// layout and under its name:
//
//	model := &mlp{Fc1: nn.Linear{In: 64, Out: 32}, Fc2: nn.Linear{In: 32, Out: 10}}
//	if err := nn.Init(t, model, seed, owner); err != nil {
//		return err
//	}
//	params := nn.Trainable(model) // fc1.weight, fc1.bias, fc2.weight, fc2.bias
//
// A step is one Build. What it assigns changes when all of it succeeded:
//
//	loss, err := t.Build(func(s *mlx.Scope) mlx.Array {
//		loss, grads := nn.ValueAndGrad(s, params, func(s *mlx.Scope) mlx.Array {
//			return losses.CrossEntropy(s, model.Forward(s, x), y, losses.Mean)
//		})
//		for i, g := range grads {
//			params[i].Assign(s, s.Subtract(params[i].Array(), s.Multiply(rate, g)))
//		}
//		return loss
//	})
//
// Evaluate the loss and params.Arrays() before the next step, for otherwise the
// graph grows. Freeze takes layers out of Trainable. Save writes the file that
// LoadFile and Python's load_weights read.
//
// Chance is explicit: what a layer drops, it drops by a key of [mlx.Keys], and
// where those are nil the model is not being trained. BatchNorm, which changes
// while it is trained, has a method for that.
//
// # Shapes
//
// A prompt runs as activations [B, L, D]. A single token of each sequence runs
// as [B, D]: with one dimension less the graph of a decoding step has fewer
// nodes, and on a GPU the step's time is the number of its nodes.
package nn
