// Package nn holds the layers that models are made of, and how their weights
// get into them.
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
// # Shapes
//
// A prompt runs as activations [B, L, D]. A single token of each sequence runs
// as [B, D]: with one dimension less the graph of a decoding step has fewer
// nodes, and on a GPU the step's time is the number of its nodes.
package nn
