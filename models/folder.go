package models

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	mlx "forge.lthn.ai/core/go-mlx/runtime"
)

// openFolder opens a Hugging Face folder, ours or MLX's.
func openFolder(dir string) (*checkpoint, error) { return openFolderWith(dir, folderText) }

// openFolderWith reads what belongs to text with a function of the caller's.
func openFolderWith(dir string, readText func(dir string) (text, error)) (*checkpoint, error) {
	path := filepath.Join(dir, "config.json")
	config, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	ck := &checkpoint{name: path, config: config}
	quant, err := readQuantConfig(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if ck.dtype, err = configDtype(config); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if ck.text, err = readText(dir); err != nil {
		return nil, err
	}
	w, err := openShards(dir, quant)
	if err != nil {
		return nil, err
	}
	ck.weights = w
	return ck, nil
}

// configDtype is the dtype that the checkpoint computes in: torch_dtype, or
// dtype as newer files call it, or text_config's; bfloat16 where it is nowhere.
func configDtype(config []byte) (mlx.Dtype, error) {
	type dtypes struct {
		TorchDtype string `json:"torch_dtype"`
		Dtype      string `json:"dtype"`
	}
	var c struct {
		dtypes
		Text dtypes `json:"text_config"`
	}
	if err := json.Unmarshal(config, &c); err != nil {
		return 0, configError(err)
	}
	switch name := cmp.Or(c.Dtype, c.TorchDtype, c.Text.Dtype, c.Text.TorchDtype); name {
	case "float32":
		return mlx.Float32, nil
	case "float16":
		return mlx.Float16, nil
	case "bfloat16", "":
		return mlx.BFloat16, nil
	default:
		return 0, fieldError("torch_dtype", "%q is none of float32, float16 and bfloat16", name)
	}
}

// readJSON decodes a file of a folder; one that is not there decodes to
// nothing.
func readJSON(path string, v any) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("%s: %w", path, configError(err))
	}
	return nil
}
