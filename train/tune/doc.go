// Package tune chooses what of a model is trained, puts adapters beside its layers,
// and reads and writes the folders that mlx-lm and Hugging Face's PEFT have for them.
//
//	m, err := models.Load(ctx, path)
//	err = tune.Apply(ctx, m, tune.Config{Layers: 16, Rank: 8, Scale: 20})
//	// train ...
//	err = tune.Save(ctx, m, "adapters")
//
// Load puts such a folder on another model, to train it further or to use it, and
// Merge puts the adapters into the weights.
//
// Adapters stand beside weights of every form. A model that is loaded for inference
// keeps its weights joined, turned or packed, which is the faster way to train them;
// only Full needs models.WithTraining.
//
// Reference: mlx_lm/tuner/utils.py and mlx_lm/lora.py.
package tune
