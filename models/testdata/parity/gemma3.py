"""Gemma 3 that also sees: the language model's configuration is nested, and leaves out what transformers has as defaults. Its
tensors stand under a prefix, of which there are two, beside a vision tower's."""
from mlx.utils import tree_flatten
from mlx_lm.models import gemma3

TEXT = dict(model_type="gemma3_text", hidden_size=64, intermediate_size=96, num_hidden_layers=6, head_dim=8, sliding_window=6,
            rope_scaling=dict(factor=8.0, rope_type="linear"))
BASE = dict(model_type="gemma3", text_config=TEXT, vocab_size=32, vision_config=dict(hidden_size=1152, model_type="siglip_vision_model"),
            eos_token_id=[1, 106], image_token_index=31, mm_tokens_per_image=256)
TOWERS = {"vision_tower.vision_model.post_layernorm.weight": (8,), "multi_modal_projector.mm_input_projection_weight": (8, 8)}
LAYER = "language_model.model.layers.%d.%s"
MIXED = {"group_size": 32, "bits": 4, LAYER % (0, "mlp.down_proj"): dict(group_size=32, bits=8), LAYER % (1, "mlp.down_proj"): False,
         LAYER % (2, "self_attn.k_proj"): dict(group_size=32, bits=8), "language_model.model.embed_tokens": dict(group_size=64, bits=6)}


def stored():
    model = gemma3.Model(gemma3.ModelArgs.from_dict(dict(BASE, text_config=dict(TEXT))))
    return {k: v.shape for k, v in tree_flatten(model.parameters()) if "lm_head" not in k}


def newer(name):
    """transformers since 4.52."""
    return "model." + name.replace("language_model.model.", "language_model.")


def older(name):
    name = name.removeprefix("model.")
    return name if name.split(".")[0] in ("vision_tower", "multi_modal_projector") else name.replace("language_model.", "language_model.model.")


OLD = dict(stored(), **TOWERS)
CASES = {
    "older names": dict(config=BASE, hf=OLD),
    "newer names": dict(config=BASE, hf={newer(k): v for k, v in OLD.items()}, rename=older),
    "untied": dict(config=dict(BASE, tie_word_embeddings=False), hf={**OLD, "language_model.lm_head.weight": (32, 64)}),
    "bf16": dict(config=BASE, hf=OLD, dtype="bfloat16"),
    "4-bit and others": dict(config=BASE, hf=stored(), quantization=MIXED),
}
