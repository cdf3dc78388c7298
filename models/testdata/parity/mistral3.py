"""Mistral 3: the language model, Mistral or Ministral 3, of a checkpoint with eyes, in the names of Hugging Face, old and new, and of mlx-lm."""
from mlx.utils import tree_flatten
from mlx_lm.models import mistral3

TEXT = dict(model_type="mistral", hidden_size=32, num_hidden_layers=2, intermediate_size=48, num_attention_heads=4, num_key_value_heads=2, head_dim=16,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=1000000000.0, max_position_embeddings=512, sliding_window=None)
ROPE = dict(rope_type="yarn", rope_theta=1000000.0, factor=16.0, original_max_position_embeddings=8, beta_fast=32.0, beta_slow=1.0, mscale=1.0,
            mscale_all_dim=1.0, llama_4_scaling_beta=0.1)
MINISTRAL = dict({k: v for k, v in TEXT.items() if k != "rope_theta"}, model_type="ministral3", rope_parameters=ROPE)
EYES = {"vision_tower.patch_conv.weight": [4, 3, 2, 2], "multi_modal_projector.norm.weight": [4]}


def config(text, **more):
    return dict(model_type="mistral3", text_config=dict(text), vision_config=dict(hidden_size=4), **more)


def names(text, rename):
    """The tensors as Hugging Face names them."""
    model = mistral3.Model(mistral3.ModelArgs.from_dict(config(text)))
    return {rename(k.removeprefix("language_model.")): v.shape for k, v in tree_flatten(model.parameters())}


def old(name):
    return "language_model." + name


def new(name):
    return "model.language_model." + name.removeprefix("model.") if name.startswith("model.") else name


CASES = {
    "mistral": dict(config=config(TEXT), hf=dict(names(TEXT, old), **EYES)),
    "ministral": dict(config=config(MINISTRAL), hf=dict(names(MINISTRAL, new), **{"model." + k: v for k, v in EYES.items()})),
    "tied": dict(config=config(dict(MINISTRAL, tie_word_embeddings=True))),
    "bf16": dict(config=config(TEXT), hf=dict(names(TEXT, old), **EYES), dtype="bfloat16"),
    "4-bit": dict(config=config(MINISTRAL), quantization=dict(group_size=32, bits=4)),
}
