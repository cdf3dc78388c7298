"""Gemma 4 that also sees and hears, under transformers' names and under MLX's. The language model itself is gemma4_text.py's."""
from mlx.utils import tree_flatten
from mlx_lm.models import gemma4

TYPES = ["sliding_attention", "sliding_attention", "full_attention"]
TEXT = dict(model_type="gemma4_text", hidden_size=64, num_hidden_layers=6, intermediate_size=96, num_attention_heads=4, num_key_value_heads=1,
            head_dim=16, global_head_dim=32, vocab_size_per_layer_input=32, hidden_size_per_layer_input=32, num_kv_shared_layers=3,
            use_double_wide_mlp=True, sliding_window=6, layer_types=TYPES * 2, final_logit_softcapping=30.0, max_position_embeddings=512)
BASE = dict(model_type="gemma4", text_config=TEXT, vocab_size=32, vision_config=dict(model_type="gemma4_vision"), audio_config=None,
            tie_word_embeddings=True, eos_token_id=[1, 106])
TOWERS = {"model.vision_tower.encoder.layers.0.input_layernorm.weight": (8,), "model.audio_tower.layers.0.norm.weight": (8,),
          "model.embed_vision.embedding_projection.weight": (8, 8), "model.embed_audio.embedding_projection.weight": (8, 8)}
MIXED = {"group_size": 32, "bits": 4, "language_model.model.layers.0.mlp.down_proj": dict(group_size=32, bits=8),
         "language_model.model.embed_tokens_per_layer": dict(group_size=32, bits=6), "language_model.model.layers.1.per_layer_projection": False}


# Its embeddings of images are no tower, and its layers have none of their own.
UNIFIED = dict(BASE, model_type="gemma4_unified", text_config=dict(
    model_type="gemma4_unified_text", hidden_size=64, num_hidden_layers=3, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2,
    num_global_key_value_heads=1, head_dim=16, global_head_dim=32, hidden_size_per_layer_input=0, num_kv_shared_layers=0, use_double_wide_mlp=False,
    attention_k_eq_v=True, sliding_window=6, layer_types=TYPES, final_logit_softcapping=30.0, max_position_embeddings=512))
EMBEDDER = {"model.vision_embedder.patch_dense.weight": (8, 8), "model.embed_audio.embedding_projection.weight": (8, 8)}


def own(config=BASE):
    model = gemma4.Model(gemma4.ModelArgs.from_dict(dict(config, text_config=dict(config["text_config"]))))
    return {k: v.shape for k, v in tree_flatten(model.parameters())}


def stored(config, others):
    """The names of transformers."""
    return dict({k.replace("language_model.model.", "model.language_model."): v for k, v in own(config).items()}, **others)


CASES = {
    "names of transformers": dict(config=BASE, hf=stored(BASE, TOWERS)),
    "unified": dict(config=UNIFIED, hf=stored(UNIFIED, EMBEDDER)),
    "names of MLX": dict(config=BASE),
    "4-bit and others": dict(config=BASE, quantization=MIXED),
}
