"""Mixtral: experts that are stacked, and each by itself as Hugging Face has them; few rows, and as many as are sorted by expert."""
from experts import separate
from mlx_lm.models import mixtral

BASE = dict(model_type="mixtral", hidden_size=32, num_hidden_layers=2, intermediate_size=64, num_attention_heads=4, num_key_value_heads=2,
            vocab_size=32, rms_norm_eps=1e-5, rope_theta=1000000.0, max_position_embeddings=512, num_local_experts=4, num_experts_per_tok=2,
            sliding_window=None, tie_word_embeddings=False)
NAMES = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}

HF = separate(mixtral.Model(mixtral.ModelArgs.from_dict(BASE)), NAMES)

CASES = {
    "stacked": dict(gradients=True, config=BASE),
    "separate, sorted": dict(gradients=True, config=BASE, hf=HF, length=40),
    "one expert, tied": dict(config=dict(BASE, num_experts_per_tok=1, tie_word_embeddings=True)),
    "bf16": dict(config=BASE, hf=HF, dtype="bfloat16"),
    "4-bit, sorted": dict(config=BASE, quantization=dict(group_size=32, bits=4), length=40),
}
